import assert from "node:assert/strict";
import { test } from "node:test";
import { about, listings, stock } from "../src/main.js";
import { Admin, fault, LOCATIONS, SETTINGS } from "./admin.js";

function variant(changes = {}) {
  return {
    id: "5", sku: "KS-1", name: "Tee", enabled: true, updatedAt: "2026-03-08T23:41:08.000Z", trackInventory: "INHERIT",
    outOfStockThreshold: 0, useGlobalOutOfStockThreshold: true, priceWithTax: 4995, currencyCode: "AUD",
    stockLevels: [{ stockLocationId: "1", stockOnHand: 7, stockAllocated: 2 }], product: { id: "3", enabled: true },
    ...changes,
  };
}

function answer(items, changes = {}) {
  return {
    stockLocations: LOCATIONS, globalSettings: SETTINGS, productVariants: { totalItems: items.length, items }, ...changes,
  };
}

const TWO = { items: [{ id: "1", name: "Warehouse" }, { id: "2", name: "Shop floor" }] };

test("a variant is a listing whose number is the stock on hand", () => {
  const fake = new Admin().gives("productVariants", answer([variant()]));
  const page = listings.page(undefined, true);
  assert.equal(page.next, undefined);
  const [one] = page.listings;
  assert.deepEqual([one.id, one.parent, one.sku, one.state.tag], ["5", "3", "KS-1", "buyable"]);
  assert.deepEqual([one.quantity, one.reserved, one.buyable], [7, 2, 5]);
  assert.deepEqual(one.price, { amount: "49.95", currency: "AUD" });
  assert.deepEqual(one.facts, [{ key: "stock-location", value: "1" }]);
  fake.finish();
});

test("what keeps a variant from being sold, or its number from mattering, is told", () => {
  const told = (changes, settings = {}) => {
    const fake = new Admin().gives("productVariants", answer([variant(changes)], { globalSettings: { ...SETTINGS, ...settings } }));
    const [one] = listings.byId(["5"]);
    fake.finish();
    return one;
  };
  assert.equal(told({ enabled: false }).state.tag, "unbuyable");
  assert.equal(told({ product: { id: "3", enabled: false } }).state.tag, "unbuyable");
  assert.match(told({ trackInventory: "FALSE" }).reasons[0], /does not track/);
  assert.match(told({}, { trackInventory: false }).reasons[0], /does not track/);
  assert.deepEqual(told({ trackInventory: "TRUE" }, { trackInventory: false }).reasons, []);
  assert.equal(told({}, { outOfStockThreshold: 3 }).buyable, 2);
  const own = told({ useGlobalOutOfStockThreshold: false, outOfStockThreshold: -2 }, { outOfStockThreshold: 3 });
  assert.deepEqual([own.buyable, own.facts[1]], [7, { key: "out-of-stock-threshold", value: "-2" }]);
  assert.deepEqual([told({ stockLevels: [] }).quantity, told({ stockLevels: [] }).reserved], [0, 0]);
  const below = told({ stockLevels: [{ stockLocationId: "1", stockOnHand: -1, stockAllocated: 0 }] });
  assert.deepEqual([below.quantity, below.buyable], [0, -1]);
});

test("the catalogue is walked to its end", () => {
  const total = (items) => ({ productVariants: { totalItems: 3, items } });
  const fake = new Admin()
    .gives("productVariants", answer([], total([variant(), variant({ id: "6" })])))
    .gives("productVariants", answer([], total([variant({ id: "7" })])))
    .gives("productVariants", answer([], total([])));
  assert.equal(listings.page(undefined, true).next, "2");
  assert.equal(listings.page("2", true).next, undefined);
  assert.equal(fake.variables(1).options.skip, 2);
  // Somebody removed variants meanwhile.
  assert.equal(listings.page("2", true).next, undefined);
  fake.finish();
});

test("SKUs are compared byte for byte, whatever the database does", () => {
  const fake = new Admin().gives("productVariants", answer([variant(), variant({ id: "6", sku: "ks-1" })]));
  assert.deepEqual(listings.bySku(["KS-1"]).map((one) => one.id), ["5"]);
  assert.deepEqual(fake.variables().options.filter, { sku: { in: ["KS-1"] } });
  assert.deepEqual([listings.bySku([]), listings.byId([])], [[], []]);
  fake.finish();
});

test("with several stock locations one must be named", () => {
  const told = (setting) => {
    const fake = new Admin(setting === undefined ? {} : { "stock-location": setting });
    fake.gives("productVariants", answer([variant({ stockLevels: [{ stockLocationId: "2", stockOnHand: 4, stockAllocated: 0 }] })], { stockLocations: TWO }));
    return fake;
  };
  told("Shop floor");
  assert.equal(listings.byId(["5"])[0].quantity, 4);
  told("2");
  assert.equal(listings.byId(["5"])[0].facts[0].value, "2");
  for (const setting of [undefined, "Attic"]) {
    told(setting);
    const thrown = fault(() => listings.byId(["5"]));
    assert.equal(thrown.tag, "denied");
    assert.match(thrown.val, /"Warehouse", "Shop floor"/);
  }
});

test("the account is the channel, known by its token", () => {
  const channel = { id: "1", code: "au", token: "c7dk", defaultCurrencyCode: "AUD", pricesIncludeTax: true, seller: { name: "Kestrel" } };
  const fake = new Admin({ "channel-token": "c7dk", "api-path": "admin-api" });
  fake.gives("activeChannel", { activeChannel: channel, globalSettings: SETTINGS, stockLocations: LOCATIONS });
  const told = about.identify();
  assert.deepEqual([told.id, told.name, told.currency], ["c7dk", "Kestrel (au)", "AUD"]);
  assert.equal(fake.header("vendure-token"), "c7dk");
  fake.finish();
});

test("a key that is not known and a role that may not are told apart by another question", () => {
  const forbidden = "You are not currently authorized to perform this action";
  const fake = new Admin()
    .refuses("productVariants", "FORBIDDEN", forbidden, ["productVariants"])
    .gives("activeChannel", { activeChannel: { id: "1" } })
    .refuses("productVariants", "FORBIDDEN", forbidden)
    .refuses("activeChannel", "FORBIDDEN", forbidden);
  const lacks = fault(() => listings.page(undefined, true));
  assert.equal(lacks.tag, "denied");
  assert.match(lacks.val, /permission \(productVariants\)/);
  assert.equal(fault(() => listings.page(undefined, true)).tag, "auth");
  fake.finish();
});

test("errors of reads are what the host acts upon", () => {
  const fake = new Admin()
    .refuses("productVariants", "INTERNAL_SERVER_ERROR", "database is gone")
    .refuses("productVariants", "CHANNEL_NOT_FOUND", "no channel")
    .next("productVariants", 400, { errors: [{ message: "Cannot query field", extensions: { code: "GRAPHQL_VALIDATION_FAILED" } }] })
    .next("productVariants", 502, "<html><title>Bad gateway</title></html>")
    .next("productVariants", 200, "<html></html>")
    .next("productVariants", 200, {});
  const tags = Array.from({ length: 6 }, () => fault(() => listings.page(undefined, true)).tag);
  assert.deepEqual(tags, ["unavailable", "denied", "rejected", "unavailable", "protocol", "unavailable"]);
  fake.finish();
});

const level = (listing, quantity, facts = [{ key: "stock-location", value: "2" }]) => ({ listing, quantity, places: [], facts });

test("numbers are written at the location that the listing told", () => {
  const fake = new Admin().gives("updateProductVariants", { updateProductVariants: [{ id: "5" }, { id: "6" }] });
  assert.deepEqual(stock.push([level("5", 3), level("6", 0)]), [{ tag: "applied" }, { tag: "applied" }]);
  assert.deepEqual(fake.variables().input, [
    { id: "5", stockLevels: [{ stockLocationId: "2", stockOnHand: 3 }] },
    { id: "6", stockLevels: [{ stockLocationId: "2", stockOnHand: 0 }] },
  ]);
  assert.deepEqual(stock.push([]), []);
  fake.finish();
});

test("without a fact the location is asked for, once", () => {
  const fake = new Admin().gives("stockLocations", { stockLocations: LOCATIONS }).gives("updateProductVariants", { updateProductVariants: [] });
  assert.deepEqual(stock.push([level("5", 3, []), level("6", 3, [])]).length, 2);
  assert.equal(fake.variables(1).input[1].stockLevels[0].stockLocationId, "1");
  fake.finish();
});

test("a variant that is gone does not keep the others from their numbers", () => {
  const fake = new Admin()
    .refuses("updateProductVariants", "ENTITY_NOT_FOUND", "No ProductVariant with the id \"6\" could be found")
    .gives("updateProductVariants", { updateProductVariants: [{ id: "5" }] })
    .refuses("updateProductVariants", "ENTITY_NOT_FOUND", "No ProductVariant with the id \"6\" could be found");
  const [first, second] = stock.push([level("5", 3), level("6", 4)]);
  assert.equal(first.tag, "applied");
  assert.deepEqual([second.tag, second.val.tag], ["failed", "missing"]);
  fake.finish();
});

test("a write of which nobody knows what became is of unknown outcome", () => {
  const fake = new Admin()
    .refuses("updateProductVariants", "INTERNAL_SERVER_ERROR", "deadlock")
    .next("updateProductVariants", 502, "")
    .next("updateProductVariants", 200, "{");
  const tags = Array.from({ length: 3 }, () => fault(() => stock.push([level("5", 3)])).tag);
  assert.deepEqual(tags, ["unknown-outcome", "unknown-outcome", "unknown-outcome"]);
  fake.finish();
});
