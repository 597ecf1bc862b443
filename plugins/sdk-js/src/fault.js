// Why a call failed. The case tells the host what to do, the text tells people.

/** A fault of the contract: throw it. */
export class Fault extends Error {
  constructor(tag, val) {
    super(`${tag}: ${typeof val === "string" ? val : val.detail}`);
    this.name = "Fault";
    this.tag = tag;
    this.val = val;
  }

  /** Its words. */
  get detail() {
    return typeof this.val === "string" ? this.val : this.val.detail;
  }
}

/** One constructor for each case of the contract's `fault`. */
export const fault = {
  /** The marketplace rejects the credentials. The host parks the channel until they change. */
  auth: (detail) => new Fault("auth", detail),
  /** Too many requests. The host waits at least as long as told, in milliseconds. */
  throttled: (detail, retryAfterMs) => new Fault("throttled", { detail, retryAfterMs }),
  /** Down or unreachable, and nothing was applied. The host tries again. */
  unavailable: (detail, retryAfterMs) => new Fault("unavailable", { detail, retryAfterMs }),
  /** A write was sent and its answer is missing or unreadable. The host looks the effect up. */
  unknownOutcome: (detail) => new Fault("unknown-outcome", detail),
  /** The marketplace understood and refuses this input; its code, if it gave one. Never tried again unchanged. */
  rejected: (detail, code) => new Fault("rejected", { detail, code }),
  /** The named thing does not exist (any more). */
  missing: (detail) => new Fault("missing", detail),
  /** The thing is in another state than the call expected. */
  conflict: (detail) => new Fault("conflict", detail),
  /** The answer breaks the marketplace's own protocol. */
  protocol: (detail) => new Fault("protocol", detail),
  /** The account lacks the permission. */
  denied: (detail) => new Fault("denied", detail),
  /** Anything else. */
  other: (detail) => new Fault("other", detail),
};
