// UTF-8. QuickJS has no TextEncoder and no TextDecoder.

/** Characters that are handed to `String.fromCharCode` at a time. */
const CHUNK = 4096;
const REPLACEMENT = 0xfffd;

/** The bytes of a text. Lone surrogates become U+FFFD. */
export function encodeUtf8(text) {
  const bytes = [];
  for (const character of String(text)) {
    let code = character.codePointAt(0);
    if (code >= 0xd800 && code <= 0xdfff) code = REPLACEMENT;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  }
  return Uint8Array.from(bytes);
}

/** The text of bytes, without a byte order mark. What is no UTF-8 becomes U+FFFD. */
export function decodeUtf8(bytes) {
  const parts = [];
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  while (at < bytes.length) {
    // Most of what marketplaces send is ASCII: it is taken in stretches.
    const limit = Math.min(at + CHUNK, bytes.length);
    let end = at;
    while (end < limit && bytes[end] < 0x80) end++;
    if (end > at) {
      parts.push(String.fromCharCode.apply(null, bytes.subarray(at, end)));
      at = end;
    } else {
      const [code, length] = sequence(bytes, at);
      parts.push(String.fromCodePoint(code));
      at += length;
    }
  }
  return parts.join("");
}

/** The code point that begins here, and how many bytes it takes. */
function sequence(bytes, at) {
  const first = bytes[at];
  const [length, lowest] = first >= 0xf0 ? [4, 0x10000] : first >= 0xe0 ? [3, 0x800] : [2, 0x80];
  if (first < 0xc2 || first > 0xf4) return [REPLACEMENT, 1];
  let code = first & (0x7f >> length);
  for (let next = 1; next < length; next++) {
    const byte = bytes[at + next];
    if (byte === undefined || (byte & 0xc0) !== 0x80) return [REPLACEMENT, next];
    code = (code << 6) | (byte & 63);
  }
  const bad = code < lowest || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff);
  return [bad ? REPLACEMENT : code, length];
}

/** The beginning of a text, on one line; for people. */
export function excerpt(text, longest = 300) {
  const line = text.slice(0, longest * 8).split(/\s+/).filter((word) => word !== "").join(" ");
  return line.length > longest ? `${line.slice(0, longest)}...` : line;
}
