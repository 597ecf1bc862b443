/** What the running call has asked the marketplace for. */
export const asked = { reads: 0, writes: 0 };
