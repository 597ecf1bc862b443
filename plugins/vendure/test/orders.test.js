import assert from "node:assert/strict";
import { test } from "node:test";
import { orders } from "../src/main.js";
import { Admin, SETTINGS } from "./admin.js";

function line(changes = {}) {
  return {
    id: "11", quantity: 2, orderPlacedQuantity: 2, updatedAt: "2026-03-08T23:41:08.000Z",
    unitPriceWithTax: 4995, proratedUnitPrice: 4086, proratedUnitPriceWithTax: 4495, proratedLinePriceWithTax: 8990, lineTax: 818,
    taxLines: [{ description: "GST Australia", taxRate: 10 }],
    discounts: [{ description: "10 % off", amountWithTax: -1000 }],
    productVariant: { id: "5", sku: " KS-1 ", name: "Tee", product: { id: "3" } },
    ...changes,
  };
}

function found(changes = {}) {
  return {
    id: "7", code: "6U26WYQ65M4DSNJC", type: "Regular", state: "PaymentSettled",
    orderPlacedAt: "2026-03-08T23:41:07.123Z", updatedAt: "2026-03-08T23:41:06.000Z", currencyCode: "AUD", couponCodes: [],
    subTotalWithTax: 8990, shippingWithTax: 995, totalWithTax: 9985, total: 9167,
    customer: { id: "2", firstName: "Mia", lastName: "Nguyen", emailAddress: "mia@example.com", phoneNumber: null },
    shippingAddress: {
      fullName: "Mia Nguyen", company: "", streetLine1: "12 Wave St", streetLine2: "", city: "Torquay", province: "VIC",
      postalCode: "3228", country: "Australia", countryCode: "au", phoneNumber: "0400 000 111",
    },
    billingAddress: { fullName: null, company: null, streetLine1: null },
    shippingLines: [{ shippingMethod: { code: "standard", name: "Standard Shipping" } }],
    surcharges: [], payments: [payment()], lines: [line()], fulfillments: [],
    ...changes,
  };
}

function payment(changes = {}) {
  return {
    id: "9", method: "stripe", amount: 9985, state: "Settled", transactionId: "pi_1", updatedAt: "2026-03-08T23:41:09.000Z",
    refunds: [], ...changes,
  };
}

function parcel(state, quantity, changes = {}) {
  return {
    id: "4", state, method: "Australia Post", trackingCode: "T1", updatedAt: "2026-03-09T01:00:00.000Z",
    lines: [{ orderLineId: "11", quantity }], ...changes,
  };
}

function read(order, settings = SETTINGS) {
  const fake = new Admin().gives("orders", { globalSettings: settings, orders: { totalItems: 1, items: [order] } });
  const [told] = orders.byId([order.id]);
  fake.finish();
  return told;
}

test("an order is told with what the buyer pays, tax included", () => {
  const told = read(found());
  assert.equal(told.number, "6U26WYQ65M4DSNJC");
  assert.deepEqual([told.state, told.holds], [{ tag: "open" }, []]);
  assert.equal(told.placedAt, "2026-03-08T23:41:07.123Z");
  assert.equal(told.updatedAt, "2026-03-08T23:41:09.000Z");
  assert.deepEqual(told.totals.grand, { amount: "99.85", currency: "AUD" });
  assert.deepEqual(told.totals.shipping, { amount: "9.95", currency: "AUD" });
  assert.equal(told.totals.taxIncluded, true);
  assert.equal(told.payment.state.tag, "paid");
  assert.equal(told.delivery.serviceLabel, "Standard Shipping");
  const { shipTo } = told.delivery;
  assert.deepEqual([shipTo.name, shipTo.company, shipTo.lines, shipTo.country], ["Mia Nguyen", undefined, ["12 Wave St"], "AU"]);
  assert.equal(told.billTo, undefined);
  const [one] = told.lines;
  // A SKU is compared byte for byte: blanks stay.
  assert.deepEqual([one.sku, one.listing, one.quantity, one.cancelled], [" KS-1 ", "5", 2, 0]);
  assert.deepEqual([one.listUnit.amount, one.paidUnit.amount, one.goods.amount], ["49.95", "44.95", "89.90"]);
  assert.deepEqual(one.taxes, [
    {
      code: "GST Australia", rate: "0.10", amount: { amount: "8.18", currency: "AUD" }, on: { tag: "goods" }, included: true,
      collectedBy: "seller",
    },
  ]);
  assert.equal(one.discounts[0].amount.amount, "10.00");
});

test("amounts have as many digits as the server keeps", () => {
  const told = read(found(), { serverConfig: { moneyStrategyPrecision: 3 } });
  assert.equal(told.totals.grand.amount, "9.985");
  assert.equal(read(found(), { serverConfig: { moneyStrategyPrecision: 0 } }).totals.grand.amount, "9985");
});

test("states of Vendure are told in the contract's words", () => {
  const states = (state) => {
    const told = read(found({ state }));
    return [told.state.tag, told.holds.map((one) => one.tag), told.lines[0].state.tag];
  };
  assert.deepEqual(states("PaymentAuthorized"), ["held", ["payment"], "held"]);
  assert.deepEqual(states("Modifying"), ["held", ["other"], "held"]);
  assert.deepEqual(states("ArrangingAdditionalPayment"), ["held", ["payment"], "held"]);
  assert.deepEqual(states("PartiallyShipped"), ["open", [], "open"]);
  assert.deepEqual(states("Delivered"), ["delivered", [], "delivered"]);
  assert.deepEqual(states("AwaitingEngraving"), ["other", [], "other"]);
  assert.equal(read(found({ state: "AwaitingEngraving" })).state.val, "AwaitingEngraving");
});

test("cancelled, shipped and returned units are told apart", () => {
  const units = (quantity, fulfillments, state = "PartiallyShipped") => {
    const [one] = read(found({ state, lines: [line({ quantity, orderPlacedQuantity: 3 })], fulfillments })).lines;
    return [one.quantity, one.cancelled, one.shipped, one.returned, one.state.tag];
  };
  assert.deepEqual(units(3, []), [3, 0, 0, 0, "open"]);
  assert.deepEqual(units(2, []), [3, 1, 0, 0, "open"]);
  assert.deepEqual(units(3, [parcel("Pending", 2)]), [3, 0, 0, 0, "open"]);
  assert.deepEqual(units(3, [parcel("Shipped", 2)]), [3, 0, 2, 0, "open"]);
  assert.deepEqual(units(2, [parcel("Shipped", 2)]), [3, 1, 2, 0, "shipped"]);
  assert.deepEqual(units(3, [parcel("Shipped", 3), parcel("Cancelled", 3)]), [3, 0, 3, 0, "shipped"]);
  assert.deepEqual(units(1, [parcel("Delivered", 3)], "Delivered"), [3, 0, 3, 2, "delivered"]);
  assert.deepEqual(units(0, [], "Cancelled"), [3, 3, 0, 0, "cancelled"]);
  // Added to the order after it was placed.
  const [added] = read(found({ lines: [line({ quantity: 1, orderPlacedQuantity: 0 })] })).lines;
  assert.deepEqual([added.quantity, added.cancelled], [1, 0]);
});

test("amounts of a line stand for all that was ordered, also after a part of it was cancelled", () => {
  const cancelled = line({ quantity: 1, orderPlacedQuantity: 2, proratedLinePriceWithTax: 4495, lineTax: 409 });
  const [one] = read(found({ lines: [cancelled] })).lines;
  assert.deepEqual([one.goods.amount, one.taxes[0].amount.amount], ["89.90", "8.18"]);
  const gone = line({ quantity: 0, orderPlacedQuantity: 2, proratedLinePriceWithTax: 0, lineTax: 0 });
  const [none] = read(found({ lines: [gone] })).lines;
  assert.deepEqual([none.goods.amount, none.taxes[0].amount.amount], ["89.90", "8.18"]);
});

test("several taxes of a line add up to its tax", () => {
  const taxLines = [{ description: "State", taxRate: 6.25 }, { description: "City", taxRate: 2.625 }, { description: "None", taxRate: 0 }];
  const [one] = read(found({ lines: [line({ taxLines, lineTax: 733 })] })).lines;
  assert.deepEqual(one.taxes.map((tax) => [tax.code, tax.rate, tax.amount.amount]), [
    ["State", "0.0625", "5.16"],
    ["City", "0.02625", "2.17"],
  ]);
});

test("payments tell how far the money is, and what is to be given back", () => {
  const told = (payments, changes) => {
    const order = read(found({ payments, ...changes }));
    return [order.payment.state.tag, order.facts.find((one) => one.key === "refund-due")?.value];
  };
  assert.deepEqual(told([payment({ state: "Authorized" })]), ["authorized", undefined]);
  assert.deepEqual(told([payment({ state: "Declined" }), payment()]), ["paid", undefined]);
  assert.deepEqual(told([payment()], { totalWithTax: 5490 }), ["paid", "44.95 AUD"]);
  const refunds = (total, state = "Settled") => [payment({ refunds: [{ id: "1", total, state }] })];
  assert.deepEqual(told(refunds(4495), { totalWithTax: 5490 }), ["part-refunded", undefined]);
  assert.deepEqual(told(refunds(4495, "Failed"), { totalWithTax: 5490 }), ["paid", "44.95 AUD"]);
  assert.deepEqual(told(refunds(9985), { totalWithTax: 0 }), ["refunded", undefined]);
  assert.deepEqual(told([], { totalWithTax: 0 }), ["not-needed", undefined]);
});

test("changes are asked for by update, by placement and by what waits, since neither alone finds all", () => {
  const fake = new Admin().gives("orders", { globalSettings: SETTINGS, orders: { totalItems: 0, items: [] } });
  assert.deepEqual(orders.changed("2026-03-08T23:41:07.900Z", undefined), { orders: [] });
  const { filter, skip, sort } = fake.variables().options;
  const after = "2026-03-08T23:41:06.999Z";
  assert.deepEqual(filter, {
    orderPlacedAt: { isNull: false },
    _or: [
      { updatedAt: { after } },
      { orderPlacedAt: { after } },
      { state: { in: ["PaymentAuthorized", "Modifying", "ArrangingAdditionalPayment"] } },
    ],
  });
  assert.deepEqual([skip, sort], [0, { id: "ASC" }]);
  fake.finish();
});

test("pages of orders overlap, end, and leave aggregates to the sellers' own orders", () => {
  const page = (from, count) => Array.from({ length: count }, (_, at) => found({ id: String(from + at) }));
  const fake = new Admin()
    .gives("orders", { globalSettings: SETTINGS, orders: { totalItems: 60, items: page(0, 50) } })
    .gives("orders", { globalSettings: SETTINGS, orders: { totalItems: 60, items: page(45, 15) } })
    .gives("orders", { globalSettings: SETTINGS, orders: { totalItems: 2, items: [found({ type: "Aggregate" }), found({ type: "Seller" })] } })
    // The last ones have gone meanwhile: a page that brings nothing new is the end.
    .gives("orders", { globalSettings: SETTINGS, orders: { totalItems: 60, items: page(45, 5) } });
  const first = orders.changed("2026-03-08T00:00:00Z", undefined);
  assert.deepEqual([first.orders.length, first.next], [50, "45"]);
  const second = orders.changed("2026-03-08T00:00:00Z", "45");
  assert.equal(fake.variables(1).options.skip, 45);
  assert.equal(second.next, undefined);
  assert.deepEqual(orders.changed("2026-03-08T00:00:00Z", undefined).orders.length, 1);
  assert.equal(orders.changed("2026-03-08T00:00:00Z", "45").next, undefined);
  fake.finish();
});

test("parcels are told with carrier, code and stage", () => {
  const fulfillments = [parcel("Pending", 1), parcel("Shipped", 1, { id: "6", trackingCode: "" }), parcel("InDrone", 1, { id: "8" })];
  const [pending, shipped, other] = read(found({ fulfillments })).parcels;
  assert.deepEqual([pending.id, pending.stage.tag, pending.tracking, pending.carrier.name, pending.shippedAt], ["4", "ready", "T1", "Australia Post", undefined]);
  assert.deepEqual([shipped.stage.tag, shipped.tracking, shipped.shippedAt], ["shipped", undefined, "2026-03-09T01:00:00.000Z"]);
  assert.deepEqual(other.stage, { tag: "other", val: "InDrone" });
  assert.deepEqual(pending.lines, [{ line: "11", quantity: 1, marks: [] }]);
});
