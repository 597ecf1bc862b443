import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fault, Http, implement } from "../src/index.js";
import { Fake } from "../testing/index.js";
import { text } from "../tools/contract.js";

const http = new Http({ credential: "api" });
const orders = (changed) => implement("orders", { changed, byId: () => [] });
const tagOf = (run) => {
  try {
    run();
  } catch (thrown) {
    return [thrown.tag, thrown.val];
  }
  return assert.fail("nothing was thrown");
};

test("the contract is the one of the WIT", () => {
  assert.equal(readFileSync(new URL("../src/contract.js", import.meta.url), "utf8"), text(), "run `npm run contract`");
});

const line = { id: "1", title: "Tee", quantity: 1, cancelled: 0, shipped: 0, nativeState: "open" };
const order = { id: "O1", number: "1", nativeState: "open", placedAt: "2026-01-01T00:00:00Z", currency: "AUD", lines: [line] };

test("what is left out is completed", () => {
  const page = orders(() => ({ orders: [order] })).changed("2026-01-01T00:00:00Z", undefined);
  const [whole] = page.orders;
  assert.equal(page.next, undefined);
  assert.deepEqual(whole.state, { tag: "open" });
  assert.deepEqual(whole.holds, []);
  assert.deepEqual(whole.payment.state, { tag: "paid" });
  assert.deepEqual(whole.lines[0].kind, { tag: "goods" });
  assert.equal(whole.delivery.labelBy, "unknown");
});

test("a variant may be written as its name", () => {
  const page = orders(() => ({ orders: [{ ...order, state: "shipped", holds: ["payment", { tag: "other", val: "odd" }] }] })).changed();
  assert.deepEqual(page.orders[0].state, { tag: "shipped" });
  assert.deepEqual(page.orders[0].holds, [{ tag: "payment" }, { tag: "other", val: "odd" }]);
});

test("what does not fit is told with its place", () => {
  new Fake("api");
  const told = (more) => tagOf(() => orders(() => ({ orders: [{ ...order, ...more }] })).changed())[1];
  assert.match(told({ number: 7 }), /orders\.changed\.orders\[0\]\.number must be text, not 7/);
  assert.match(told({ state: "opn" }), /state must be one of the cases held, open/);
  assert.match(told({ colour: "red" }), /there is no member colour/);
  assert.match(told({ lines: [{ ...line, quantity: -1 }] }), /lines\[0\]\.quantity must be a whole number/);
  assert.match(told({ holds: [{ tag: "acceptance", val: 7 }] }), /holds\[0\]\.acceptance must be text/);
  assert.match(told({ lines: [{ ...line, id: undefined }] }), /lines\[0\]\.id must be text, not left out/);
  assert.throws(() => implement("orders", { changed() {} }), /lacks the function byId/);
  assert.throws(() => implement("orders", { changed() {}, byId() {}, byid() {} }), /has no function byid/);
});

test("an exception becomes the fault that fits what was asked before", () => {
  const broken = (before) => tagOf(() => orders(() => (before(), null.id)).changed())[0];
  new Fake("api").on("GET /x", 200, {}).on("PUT /x", 200, {});
  assert.equal(broken(() => {}), "other");
  assert.equal(broken(() => http.getJson("/x")), "protocol");
  assert.equal(broken(() => http.sendJson("put", "/x", {})), "unknown-outcome");
});

test("a fault passes as it is", () => {
  assert.deepEqual(tagOf(() => orders(() => { throw fault.rejected("no", "E1"); }).changed()), ["rejected", { code: "E1", detail: "no" }]);
});

test("stock outcomes hold faults", () => {
  const stock = implement("stock", { push: () => ["applied", { tag: "failed", val: fault.missing("gone") }], settle: () => ({}) });
  const outcomes = stock.push([]);
  assert.deepEqual(outcomes[0], { tag: "applied" });
  assert.deepEqual(outcomes[1].val, { tag: "missing", val: "gone" });
  assert.deepEqual(stock.settle("t"), {});
});
