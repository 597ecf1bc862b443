import assert from "node:assert/strict";
import { test } from "node:test";
import { cancellations, fulfillments } from "../src/main.js";
import { Admin, fault } from "./admin.js";

const parcel = (changes = {}) => ({
  id: "p1", number: 1, last: true, order: "7", lines: [{ line: "11", quantity: 2, marks: [] }],
  carrier: { name: "Australia Post" }, tracking: "T1", shippedAt: "2026-03-09T01:00:00.000Z", facts: [], ...changes,
});

const made = (state, changes = {}) => ({
  id: "4", state, method: "Australia Post", trackingCode: "T1", lines: [{ orderLineId: "11", quantity: 2 }], ...changes,
});

const order = (...fulfillments) => ({ order: { id: "7", code: "X", state: "PaymentSettled", fulfillments } });

test("a parcel is made, then marked as shipped", () => {
  const fake = new Admin()
    .gives("order(id", order())
    .gives("addFulfillmentToOrder", { addFulfillmentToOrder: { id: "4", state: "Pending" } })
    .gives("order(id", order(made("Pending")))
    .gives("transitionFulfillmentToState", { transitionFulfillmentToState: { id: "4", state: "Shipped" } });
  assert.deepEqual(fulfillments.prepare(parcel()), { reached: { tag: "ready" }, marketplaceId: "4", more: true });
  assert.deepEqual(fake.variables(1).input, {
    lines: [{ orderLineId: "11", quantity: 2 }],
    handler: {
      code: "manual-fulfillment",
      arguments: [{ name: "method", value: "Australia Post" }, { name: "trackingCode", value: "T1" }],
    },
  });
  assert.deepEqual(fulfillments.ship(parcel()), { reached: { tag: "shipped" }, marketplaceId: "4", more: false });
  assert.deepEqual(fake.variables(3), { id: "4" });
  fake.finish();
});

test("a repeat finds what is done and does only the rest", () => {
  const fake = new Admin()
    .gives("order(id", order(made("Pending")))
    .gives("order(id", order(made("Shipped")))
    .gives("order(id", order(made("Delivered")));
  assert.equal(fulfillments.prepare(parcel()).more, true);
  assert.equal(fulfillments.prepare(parcel()).more, false);
  assert.equal(fulfillments.ship(parcel()).reached.tag, "shipped");
  fake.finish();
});

test("a fulfillment that is cancelled, has another code or other units is another one", () => {
  const others = [
    made("Cancelled"),
    made("Shipped", { trackingCode: "T2" }),
    made("Shipped", { lines: [{ orderLineId: "11", quantity: 1 }] }),
    made("Shipped", { lines: [{ orderLineId: "11", quantity: 2 }, { orderLineId: "12", quantity: 1 }] }),
  ];
  for (const other of others) {
    const fake = new Admin().gives("order(id", order(other)).gives("addFulfillmentToOrder", { addFulfillmentToOrder: { id: "5", state: "Pending" } });
    assert.equal(fulfillments.prepare(parcel()).marketplaceId, "5");
    fake.finish();
  }
});

test("parcels without code that look alike are told apart by their number", () => {
  const letter = (number) => parcel({ number, tracking: undefined, lines: [{ line: "11", quantity: 1, marks: [] }] });
  const known = made("Shipped", { trackingCode: "", lines: [{ orderLineId: "11", quantity: 1 }] });
  let fake = new Admin().gives("order(id", order(known));
  assert.equal(fulfillments.prepare(letter(1)).more, false);
  fake.finish();
  fake = new Admin().gives("order(id", order(known)).gives("addFulfillmentToOrder", { addFulfillmentToOrder: { id: "5", state: "Pending" } });
  assert.equal(fulfillments.prepare(letter(2)).marketplaceId, "5");
  fake.finish();
});

test("refusals of parcels tell whether another try makes sense", () => {
  const tag = (result) => {
    const fake = new Admin().gives("order(id", order()).gives("addFulfillmentToOrder", { addFulfillmentToOrder: result });
    const thrown = fault(() => fulfillments.prepare(parcel()));
    fake.finish();
    return thrown;
  };
  assert.equal(tag({ errorCode: "ITEMS_ALREADY_FULFILLED_ERROR", message: "done" }).tag, "conflict");
  const short = tag({ errorCode: "INSUFFICIENT_STOCK_ON_HAND_ERROR", message: "short", productVariantName: "Tee", stockOnHand: 0 });
  assert.deepEqual([short.tag, short.val], ["other", "short (Tee has 0 on hand)"]);
  assert.deepEqual(tag({ errorCode: "CREATE_FULFILLMENT_ERROR", message: "no" }), { tag: "rejected", val: { code: "CREATE_FULFILLMENT_ERROR", detail: "no" } });
  new Admin().gives("order(id", { order: null });
  assert.equal(fault(() => fulfillments.prepare(parcel())).tag, "missing");
  new Admin().gives("order(id", order());
  assert.equal(fault(() => fulfillments.ship(parcel())).tag, "conflict");
});

test("carriers are those of the setting, each once", () => {
  new Admin({ carriers: "Australia Post, Sendle,, Sendle ,My Van" });
  assert.deepEqual(fulfillments.carriers().map((one) => [one.carrier.name, one.usable]), [
    ["Australia Post", true], ["Sendle", true], ["My Van", true],
  ]);
});

const drop = (line, quantity) => ({
  id: `7/${line}`, order: "7", line, quantity, paid: true, taxes: [], charges: [], reason: "out-of-stock", note: "cancelled by the merchant",
});

const lines = (fulfillments, ...pairs) => ({
  order: { id: "7", lines: pairs.map(([id, quantity]) => ({ id, quantity })), fulfillments },
});

test("units are cancelled; shipping goes with the last of them when nothing was sent", () => {
  const cancelled = (answer, ...drops) => {
    const fake = new Admin().gives("order(id", answer).gives("cancelOrder", { cancelOrder: { id: "7" } });
    const told = cancellations.cancel(drops);
    fake.finish();
    return [fake.variables(1).input, told];
  };
  const [part, told] = cancelled(lines([], ["11", 2], ["12", 1]), drop("11", 1), drop("12", 1));
  assert.deepEqual(part, {
    orderId: "7", reason: "Out of stock", cancelShipping: false,
    lines: [{ orderLineId: "11", quantity: 1 }, { orderLineId: "12", quantity: 1 }],
  });
  assert.deepEqual(told, { lines: [{ line: "11", quantity: 1, marks: [] }, { line: "12", quantity: 1, marks: [] }] });
  assert.equal(cancelled(lines([], ["11", 2], ["12", 0]), drop("11", 2))[0].cancelShipping, true);
  assert.equal(cancelled(lines([{ state: "Shipped" }], ["11", 1]), drop("11", 1))[0].cancelShipping, false);
  assert.equal(cancelled(lines([{ state: "Cancelled" }], ["11", 1]), drop("11", 1))[0].cancelShipping, true);
});

test("more units than are left are a conflict: somebody else was there", () => {
  const fake = new Admin()
    .gives("order(id", lines([], ["11", 1]))
    .gives("cancelOrder", { cancelOrder: { errorCode: "QUANTITY_TOO_GREAT_ERROR", message: "too many" } });
  assert.equal(fault(() => cancellations.cancel([drop("11", 2)])).tag, "conflict");
  fake.finish();
  assert.deepEqual(cancellations.cancel([]), { lines: [] });
});

test("the reasons are our own words, since Vendure takes any", () => {
  new Admin();
  assert.deepEqual(cancellations.reasons().map((one) => [one.code, one.kind.tag, one.outOfStock]), [
    ["out-of-stock", "cancel", true], ["cancelled-by-seller", "cancel", false],
  ]);
});
