import assert from "node:assert/strict";
import { test } from "node:test";
import { count, decimal, decodeUtf8, encodeUtf8, exact, flag, instant, milliseconds, money, moneyFromMinor, parseJson, text } from "../src/index.js";
import { retryAfter } from "../src/time.js";

test("UTF-8 is that of the platform", () => {
  const long = "ä€𝄞x".repeat(5_000);
  for (const sample of ["", "plain", "Zoë", "€ 𝄞", "\u0000\u007f\u0080\u07ff\u0800\uffff", "a\ud800b", long]) {
    const bytes = new TextEncoder().encode(sample);
    assert.deepEqual(encodeUtf8(sample), bytes);
    assert.equal(decodeUtf8(bytes), new TextDecoder().decode(bytes));
  }
  assert.equal(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)), "a");
});

test("what is no UTF-8 is replaced and ends nothing", () => {
  for (const bytes of [[0xff], [0xc3], [0xc3, 0x28], [0xe2, 0x82], [0xf0, 0x9d, 0x84], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]]) {
    const decoded = decodeUtf8(Uint8Array.from([0x61, ...bytes, 0x62]));
    assert.match(decoded, /^a\ufffd.*b$/, bytes.join());
  }
});

test("times become UTC", () => {
  for (const [given, wanted] of [
    ["2026-03-08T23:41:07.000000Z", "2026-03-08T23:41:07.000Z"],
    ["2026-03-08T23:41:07.25Z", "2026-03-08T23:41:07.250Z"],
    ["2026-03-09T10:41:07+11:00", "2026-03-08T23:41:07.000Z"],
    ["2026-03-09T04:05:07+0100", "2026-03-09T03:05:07.000Z"],
    ["2026-03-01 10:00:00", "2026-03-01T10:00:00.000Z"],
    [" 2026-03-01 ", "2026-03-01T00:00:00.000Z"],
  ]) assert.equal(instant(given), wanted, given);
  for (const bad of ["", "soon", "0000-00-00 00:00:00", "2026-13-01T00:00:00Z", "2026-02-30", "2026-01-01T25:00:00Z", null, undefined, {}]) {
    assert.equal(instant(bad), undefined, String(bad));
  }
  assert.equal(milliseconds("1970-01-01T00:00:01Z"), 1000);
});

test("waiting takes both forms", () => {
  const now = "2026-10-21T07:27:00.000Z";
  assert.equal(retryAfter("3", now), 3_000);
  assert.equal(retryAfter("Wed, 21 Oct 2026 07:28:00 GMT", now), 60_000);
  assert.equal(retryAfter("Wed, 21 Oct 2026 07:00:00 GMT", now), 0);
  assert.equal(retryAfter("99999999999", now), 86_400_000);
  for (const bad of ["later", "-5", "", undefined]) assert.equal(retryAfter(bad, now), undefined);
});

test("amounts are exact", () => {
  assert.equal(decimal("0.1").plus(decimal("0.2")).toString(), "0.3");
  assert.equal(decimal("49.95").times(decimal(3)).toString(), "149.85");
  assert.equal(decimal("10").minus(decimal("10.01")).toString(), "-0.01");
  assert.equal(decimal("100").dividedBy(3).toString(), "33.333333");
  assert.equal(decimal("0.005").rounded(2).toString(), "0.01");
  assert.equal(decimal("-0.005").rounded(2).toString(), "-0.01");
  assert.equal(decimal("2.5").dividedBy(-1, 0).toString(), "-3");
  assert.equal(decimal("20.0").compare(decimal("20.00")), 0);
  assert.equal(decimal("1e-7").toString(), "0.0000001");
  assert.equal(decimal(1e21).toString(), "1000000000000000000000");
  for (const bad of ["12,50", "", "1.2.3", "NaN", Infinity, null, undefined, {}, true]) assert.equal(decimal(bad), undefined, String(bad));
});

test("money is decimal text", () => {
  assert.deepEqual(money("49.90", "AUD"), { amount: "49.90", currency: "AUD" });
  assert.deepEqual(moneyFromMinor(1995, 2, "AUD"), { amount: "19.95", currency: "AUD" });
  assert.deepEqual(moneyFromMinor(-5, 2, "AUD"), { amount: "-0.05", currency: "AUD" });
  assert.deepEqual(moneyFromMinor(1200, 0, "JPY"), { amount: "1200", currency: "JPY" });
  assert.equal(money("", "AUD"), undefined);
  assert.equal(money("1", ""), undefined);
});

test("members of neighboring types are read", () => {
  assert.equal(text(7), "7");
  assert.equal(text("  "), undefined);
  assert.equal(exact(" a "), " a ");
  assert.equal(count("7"), 7);
  for (const bad of [-1, 1.5, "x", null, 2 ** 40]) assert.equal(count(bad), undefined);
  assert.equal(flag("Yes"), true);
  assert.equal(flag(0), false);
  assert.equal(flag("perhaps"), undefined);
});

test("nesting that would end the call is refused", () => {
  assert.throws(() => parseJson("[".repeat(100_000)), /nested deeper than 200/);
  assert.throws(() => parseJson('{"a":'.repeat(201)), /nested deeper than 200/);
  const brackets = `${"[{".repeat(1_000)}\\" \\\\`;
  assert.deepEqual(parseJson(JSON.stringify({ brackets, list: [[1], [2]] })), { brackets, list: [[1], [2]] });
  assert.equal(parseJson(`${"[".repeat(200)}${"]".repeat(200)}`).length, 1);
});

const tellsSource = (() => {
  let told = false;
  JSON.parse("1", (_, value, context) => ((told = context !== undefined), value));
  return told;
})();

// Node does from version 21 on, QuickJS does.
test("long ids keep their digits", { skip: !tellsSource }, () => {
  assert.deepEqual(parseJson('{"id":12345678901234567890,"n":5,"p":0.1234567890123456789}'), { id: "12345678901234567890", n: 5, p: 0.12345678901234568 });
});
