// Reading JSON that does not keep its own description: every member may be missing, null, or of a neighboring type.

/** Deepest nesting that is parsed: QuickJS recurses, and dies with the call when its stack ends. */
const DEEPEST = 200;

/** Parses JSON. Whole numbers that a number cannot hold exactly (long ids) come as text. Throws a SyntaxError. */
export function parseJson(text) {
  if (depth(text) > DEEPEST) throw new SyntaxError(`nested deeper than ${DEEPEST}`);
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_, value, context) => {
    const digits = context?.source;
    return typeof value === "number" && /^-?\d+$/.test(digits) && !Number.isSafeInteger(value) ? digits : value;
  });
}

/** How deep lists and objects are nested, as far as it goes before the nesting is too deep. */
function depth(text) {
  let [now, most] = [0, 0];
  for (let at = 0; at < text.length && most <= DEEPEST; at++) {
    switch (text[at]) {
      case "[":
      case "{":
        most = Math.max(most, ++now);
        break;
      case "]":
      case "}":
        now--;
        break;
      case '"':
        at = endOfString(text, at);
    }
  }
  return most;
}

/** Where the string that begins here ends. */
function endOfString(text, from) {
  let at = from;
  for (;;) {
    at = text.indexOf('"', at + 1);
    if (at < 0) return text.length;
    let slashes = 0;
    while (text[at - 1 - slashes] === "\\") slashes++;
    if (slashes % 2 === 0) return at;
  }
}

/** Text without the blanks around it, or the digits of a number; undefined when nothing is left. */
export function text(value) {
  const trimmed = exact(value)?.trim();
  return trimmed === "" ? undefined : trimmed;
}

/** Text byte for byte, or the digits of a number; undefined when empty. */
export function exact(value) {
  if (typeof value === "string") return value === "" ? undefined : value;
  return typeof value === "number" || typeof value === "bigint" ? String(value) : undefined;
}

/** A whole number that is not negative (7, "7"); undefined for anything else. */
export function count(value) {
  const number = typeof value === "string" && /^\s*\d+\s*$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(number) && number >= 0 && number <= 0xffffffff ? number : undefined;
}

/** A flag, also as 0 and 1 and as text; undefined for anything else. */
export function flag(value) {
  if (typeof value === "boolean") return value;
  return { 1: true, true: true, yes: true, 0: false, false: false, no: false }[text(value)?.toLowerCase()];
}

/** The elements of a list; none when it is none. */
export function list(value) {
  return Array.isArray(value) ? value : [];
}

/** The object, or an empty one: members of what is missing are missing too. */
export function object(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}
