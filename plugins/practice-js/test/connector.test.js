import assert from "node:assert/strict";
import { test } from "node:test";
import { Fake } from "../../sdk-js/testing/index.js";
import { about, cancellations, fulfillments, listings, orders, stock } from "../src/main.js";

const market = () => new Fake("api", { settings: { "tax-name": "GST" } });

function caught(run) {
  try {
    run();
  } catch (thrown) {
    return thrown;
  }
  return assert.fail("nothing was thrown");
}

test("the account is told", () => {
  const fake = market().on("GET /v1/account", 200, { id: "PM-1001", name: "Kestrel Outfitters", country: "AU", currency: "AUD" });
  assert.deepEqual(about.identify(), {
    id: "PM-1001",
    name: "Kestrel Outfitters",
    currency: "AUD",
    facts: [{ key: "country", value: "AU" }],
  });
  fake.finish();
});

test("what the marketplace says becomes the fault that the host acts upon", () => {
  const fake = market()
    .on("GET /v1/account", 401, { error: { code: "unauthorized", message: "no key" } })
    .on("GET /v1/account", 429, "", { "retry-after": "7" })
    .on("GET /v1/account", 200, "<html><title>Gateway</title></html>")
    .on("GET /v1/account", 200, '{"id":"PM-')
    .on("GET /v1/account", 200, "[]")
    .fails("GET /v1/account", "too-large", 16_777_216)
    .on("PUT /v1/stock", 503, { error: { code: "maintenance", message: "closed" } })
    .on("PUT /v1/stock", 502, "")
    .fails("PUT /v1/stock", "outcome-unknown", "reset")
    .on("PUT /v1/stock", 200, "{}");
  assert.deepEqual(caught(about.identify), { tag: "auth", val: "GET /v1/account: 401 no key" });
  assert.equal(caught(about.identify).val.retryAfterMs, 7_000);
  for (let n = 0; n < 4; n++) assert.equal(caught(about.identify).tag, "protocol");
  const push = () => caught(() => stock.push([{ listing: "L1", quantity: 3 }])).tag;
  // Maintenance: surely not written. A lost answer, or one that says nothing: nobody knows.
  assert.deepEqual([push(), push(), push(), push()], ["unavailable", "unknown-outcome", "unknown-outcome", "unknown-outcome"]);
  fake.finish();
});

test("listings are walked with the cursor of the page before", () => {
  const fake = market()
    .on("GET /v1/listings?limit=200", 200, {
      listings: [{ id: "L1", sku: " A ", title: "Tee", quantity: 5, active: true, updated_at: "2026-03-09T10:00:00+11:00" }, { sku: "B" }, null],
      next: "c/1",
    })
    .on("GET /v1/listings?limit=200&cursor=c%2F1", 200, { listings: [{ id: 7, quantity: -2, active: null, title: null }], next: null })
    .on("GET /v1/listings?limit=200", 200, { rows: [] });
  const first = listings.page(undefined, true);
  assert.equal(first.listings.length, 1);
  const [one] = first.listings;
  assert.deepEqual([one.sku, one.quantity, one.reserved, one.state.tag, one.updatedAt], [" A ", 5, 0, "buyable", "2026-03-08T23:00:00.000Z"]);
  assert.match(fake.log.join(), /without id/);
  const second = listings.page(first.next, true);
  assert.equal(second.next, undefined);
  assert.deepEqual([second.listings[0].id, second.listings[0].quantity, second.listings[0].buyable, second.listings[0].state.val], ["7", 0, -2, "unknown"]);
  assert.equal(caught(() => listings.page(undefined, true)).tag, "protocol");
  fake.finish();
});

test("skus are looked up to the letter and a hundred at once", () => {
  const fake = market()
    .on("GET /v1/listings?sku=S0&sku=S1&", 200, { listings: [{ id: "L1", sku: "S0" }, { id: "L2", sku: "s1" }] })
    .on("GET /v1/listings?sku=S100", 200, { listings: [] });
  const found = listings.bySku(Array.from({ length: 101 }, (_, n) => `S${n}`));
  assert.deepEqual(found.map((one) => one.id), ["L1"]);
  fake.finish();
});

test("empty batches make no request", () => {
  const fake = market();
  assert.deepEqual([listings.byId([]), listings.bySku([]), orders.byId([]), stock.push([])], [[], [], [], []]);
  assert.deepEqual(cancellations.cancel([]), { lines: [] });
  fake.finish();
});

test("each level gets its own outcome", () => {
  const fake = market().on("PUT /v1/stock", 200, {
    results: [{ listing: "L2", ok: false, error: { code: "not-found", message: "gone" } }, { listing: "L1", ok: true }, null],
  });
  const outcomes = stock.push([
    { listing: "L1", quantity: 3 },
    { listing: "L2", quantity: 0 },
    { listing: "L3", quantity: 1 },
  ]);
  assert.deepEqual(outcomes[0], { tag: "applied" });
  assert.deepEqual(outcomes[1], { tag: "failed", val: { tag: "missing", val: "gone" } });
  assert.equal(outcomes[2].val.tag, "unknown-outcome");
  assert.deepEqual(fake.body().levels[0], { listing: "L1", quantity: 3 });
  assert.equal(caught(() => stock.settle("t")).tag, "missing");
  fake.finish();
});

const ORDER = {
  id: "O1",
  number: "PM-20001",
  status: "open",
  placed_at: "2026-03-09T10:41:07.250+11:00",
  updated_at: "2026-03-09T00:00:00.000Z",
  ship_by: "2026-03-11T00:00:00.000Z",
  currency: "AUD",
  total: "109.85",
  shipping: { method: "standard", label: "Standard", price: "9.95", tax: "0.90" },
  buyer: { name: "Marlo Quill", email: null, phone: "+61400000000" },
  ship_to: { name: "Marlo Quill", company: null, line1: "1 Cuba Street", line2: null, city: "Newtown", region: "NSW", postcode: "2042", country: "AU" },
  lines: [{ id: "1", listing: "L1", sku: "A", title: "Tee", quantity: 2, cancelled: 1, shipped: 1, price: "49.95", tax: "9.08" }],
  parcels: [{ id: "P1", key: "k", carrier: "auspost", tracking: "33KS01", lines: [{ line: "1", quantity: 1 }], shipped_at: "2026-03-09T01:00:00.000Z" }],
};

test("an order is read whole", () => {
  const fake = market().on("GET /v1/orders?changed_since=2026-03-01T00%3A00%3A00Z&limit=200&cursor=c", 200, { orders: [ORDER], next: "d" });
  const { orders: [order], next } = orders.changed("2026-03-01T00:00:00Z", "c");
  assert.equal(next, "d");
  assert.equal(order.placedAt, "2026-03-08T23:41:07.250Z");
  assert.deepEqual(order.shipBy.latest, "2026-03-11T00:00:00.000Z");
  assert.deepEqual(order.totals.grand, { amount: "109.85", currency: "AUD" });
  assert.deepEqual(order.taxes[0].amount, { amount: "0.90", currency: "AUD" });
  assert.deepEqual(order.delivery.shipTo.lines, ["1 Cuba Street"]);
  assert.equal(order.buyer.email, undefined);
  const [line] = order.lines;
  assert.deepEqual([line.quantity, line.cancelled, line.shipped, line.state.tag, line.taxes[0].code], [2, 1, 1, "shipped", "GST"]);
  assert.deepEqual(order.parcels[0].lines, [{ line: "1", quantity: 1, marks: [] }]);
  assert.equal(order.parcels[0].stage.tag, "shipped");
  fake.finish();
});

test("words that are new stop nothing, and nothing is guessed", () => {
  const fake = market().on("GET /v1/orders?id=O1", 200, { orders: [{ ...ORDER, status: "frozen", shipping: null, buyer: null, ship_to: null, parcels: null }] });
  const [order] = orders.byId(["O1"]);
  assert.deepEqual(order.state, { tag: "other", val: "frozen" });
  assert.deepEqual(order.lines[0].state, { tag: "other", val: "frozen" });
  assert.equal(order.delivery.shipTo, undefined);
  fake.finish();
});

test("an order that cannot be read is shown, and the rest of its page worked", () => {
  const fake = market().on("GET /v1/orders", 200, { orders: [{ ...ORDER, id: "O2", lines: [{ id: "1", quantity: null }] }, { ...ORDER, id: null }, ORDER], next: null });
  const { orders: [bad, good] } = orders.changed("2026-03-01T00:00:00Z");
  assert.match(bad.state.val, /^unreadable: .*"quantity" of line 1/);
  assert.equal(good.state.tag, "open");
  assert.match(fake.log.join(), /quantity/);
  fake.finish();
});

const PARCEL = { id: "parcel-7", number: 1, last: true, order: "O/1", lines: [{ line: "1", quantity: 2, marks: [] }], carrier: { code: "auspost" }, tracking: "33KS01", shippedAt: "2026-03-09T01:00:00Z", facts: [] };

test("a parcel is told under the host's key", () => {
  const fake = market().on("POST /v1/orders/O%2F1/parcels", 201, { id: "P1" }).on("POST /v1/orders/O%2F1/parcels", 200, { id: "P1" });
  for (const told of [fulfillments.prepare(PARCEL), fulfillments.ship(PARCEL)]) {
    assert.deepEqual(told, { reached: { tag: "shipped" }, marketplaceId: "P1", more: false });
  }
  assert.deepEqual(fake.body(1), { key: "parcel-7", carrier: "auspost", tracking: "33KS01", shipped_at: "2026-03-09T01:00:00Z", lines: [{ line: "1", quantity: 2 }] });
  fake.finish();
});

test("a bad tracking code costs no request", () => {
  const fake = market();
  for (const tracking of [undefined, "", "a b", "xyz"]) assert.equal(caught(() => fulfillments.prepare({ ...PARCEL, tracking })).tag, "rejected");
  fake.finish();
});

test("carriers and reasons are those of the account", () => {
  const fake = market()
    .on("GET /v1/carriers", 200, { carriers: [{ code: "auspost", name: "Australia Post" }] })
    .on("GET /v1/cancel-reasons", 200, { reasons: [{ code: "out-of-stock", label: "Out of stock" }, { label: "?" }, { code: "other" }] });
  assert.deepEqual(fulfillments.carriers()[0].carrier, { code: "auspost", name: "Australia Post" });
  assert.deepEqual(cancellations.reasons().map((one) => [one.code, one.label, one.outOfStock]), [["out-of-stock", "Out of stock", true], ["other", "other", false]]);
  fake.finish();
});

const drop = (line) => ({ id: `drop-${line}`, order: "O1", line, quantity: 1, paid: true, taxes: [], charges: [], reason: "out-of-stock" });

test("what could be cancelled is told, and a doubt about the rest", () => {
  const fake = market()
    .on("POST /v1/orders/O1/cancellations", 201, {})
    .on("POST /v1/orders/O1/cancellations", 422, { error: { code: "refused", message: "shipped" } })
    .on("POST /v1/orders/O1/cancellations", 422, { error: { code: "refused", message: "shipped" } })
    .on("POST /v1/orders/O1/cancellations", 201, {})
    .on("POST /v1/orders/O1/cancellations", 429);
  assert.deepEqual(cancellations.cancel([drop("1"), drop("2")]).lines, [{ line: "1", quantity: 1, marks: [] }]);
  assert.deepEqual(fake.body().key, "drop-1");
  assert.deepEqual(caught(() => cancellations.cancel([drop("2")])).val.code, "refused");
  assert.equal(caught(() => cancellations.cancel([drop("1"), drop("2")])).tag, "unknown-outcome");
  fake.finish();
});
