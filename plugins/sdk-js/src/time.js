// Points in time as marketplaces write them, turned into RFC 3339 in UTC.

const FORM = /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?\s*(Z|z|[+-]\d\d(?::?\d\d)?)?)?$/;
const DAY = 24 * 60 * 60 * 1000;

/** Milliseconds since 1970; undefined for text that is no point in time. Without a zone it is taken as UTC. */
export function milliseconds(text) {
  const found = FORM.exec(String(text ?? "").trim());
  if (!found) return undefined;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", zone = "Z"] = found;
  const fields = [year, month - 1, day, hour, minute, second].map(Number);
  const at = Date.UTC(...fields, Number(fraction.padEnd(3, "0").slice(0, 3)));
  const date = new Date(at);
  // Date.UTC rolls the 31st of a short month over.
  const rolled = date.getUTCMonth() !== fields[1] || date.getUTCDate() !== fields[2];
  if (rolled || fields[0] === 0 || fields[3] > 23 || fields[4] > 59 || fields[5] > 60) return undefined;
  if (zone === "Z" || zone === "z") return at;
  const digits = zone.replace(":", "");
  const offset = Number(digits.slice(1, 3)) * 60 + Number(digits.slice(3, 5) || "0");
  return at - (zone[0] === "-" ? -offset : offset) * 60_000;
}

/** The contract's form of a time that a marketplace wrote; undefined for anything that is none. */
export function instant(text) {
  const at = milliseconds(text);
  return at === undefined ? undefined : new Date(at).toISOString();
}

/** How long `Retry-After` asks to wait, in milliseconds: whole seconds or an HTTP date. At most a day. */
export function retryAfter(value, now) {
  const text = String(value ?? "").trim();
  let wait;
  if (/^\d+$/.test(text)) wait = Number(text) * 1000;
  else if (/^[A-Za-z]{3}, \d{2} [A-Za-z]{3} \d{4} [\d:]{8} GMT$/.test(text)) wait = Date.parse(text) - milliseconds(now);
  return Number.isFinite(wait) ? Math.min(Math.max(wait, 0), DAY) : undefined;
}
