// A connector that shows the host what reached it. Its twins in the other languages answer exactly the same.

import { channel, log, now, randomBytes, setting } from "lockstep:plugin/session@0.1.0";
import { Fault, fault, implement } from "../../../../plugins/sdk-js/src/index.js";
import { each, together } from "./asked.js";
import { fulfiller, money, order, stage } from "./order.js";

/** When what was asked for by id was placed. */
const PLACED = "2026-03-08T23:41:07.123Z";

/** What is not there is a dash. */
const orDash = (text) => text ?? "-";
const told = (facts) => facts.map((f) => `${f.key}=${f.value}`).join(",");
/** The bindings give numbers of 32 bits with a sign. */
const unsigned = (number) => number >>> 0;
/** A refusal among outcomes: a plain record, not a throw. */
const plain = ({ tag, val }) => ({ tag, val });

/** The fault that the setting asks for. */
function stumble() {
  const kind = setting("fault");
  if (!kind) return;
  const words = `Zoë was told: ${kind}`;
  if (kind === "throttled") throw fault.throttled(words, 1500);
  if (kind === "unavailable") throw fault.unavailable(words);
  if (kind === "rejected") throw fault.rejected(words, "E063");
  throw new Fault(kind, words);
}

/** Each function stumbles first where it is told to. */
function mirror(name, functions) {
  const stumbling = ([key, run]) => [key, (...given) => (stumble(), run(...given))];
  return implement(name, Object.fromEntries(Object.entries(functions).map(stumbling)));
}

export const about = mirror("about", {
  identify() {
    for (const level of ["debug", "info", "warn", "error"]) log(level, level);
    const settings = ["number", "flag", "unset"].map((key) => orDash(setting(key)));
    return {
      id: channel(),
      name: each().join("; "),
      nativeState: `${together().join("; ")}; ${settings.join(" ")}`,
      selling: now().length === PLACED.length && randomBytes(16).length === 16,
      currency: setting("currency"),
      facts: [{ key: "language", value: "any" }],
    };
  },
});

function listing(n, stock) {
  const some = (value) => (n % 2 === 0 ? value : undefined);
  return {
    id: `${n}`,
    parent: some("parent"),
    sku: some("SKU-é"),
    product: some("product"),
    barcodes: ["9300000000001", "9300000000002"],
    title: `Zoë's tee ${n} €`,
    state: ["buyable", "unbuyable", "ended", "pending", { tag: "other", val: "resting" }][n % 5],
    nativeState: some("native"),
    reasons: ["no picture", "no price"],
    quantity: stock ? 0x7fffffff - n : undefined,
    reserved: stock ? n : undefined,
    buyable: some(-0x80000000),
    places: [{ location: "Botany", quantity: 3 }],
    fulfilledBy: fulfiller(n),
    price: some(money("-12.50")),
    lot: some(2),
    least: some(3),
    most: some(4),
    sites: ["AU", "NZ"],
    updatedAt: some(PLACED),
    facts: [{ key: "n", value: `${n}` }],
  };
}

export const listings = mirror("listings", {
  page(cursor, stock) {
    if (cursor == null) return { listings: [0, 1, 2, 3, 4].map((n) => listing(n, stock)), next: "again" };
    return { listings: [{ ...listing(1, stock), id: cursor }], waitMs: 250 };
  },
  byId: (ids) => ids.map((id) => ({ ...listing(0, true), id })),
  bySku: (skus) => skus.map((sku) => ({ ...listing(0, true), sku })),
});

function outcome(level) {
  const { listing, parent, sku, places, facts } = level;
  const quantity = unsigned(level.quantity);
  const echo = [listing, orDash(parent), orDash(sku), quantity, places.length, told(facts)].join("|");
  if (quantity === 0) return "applied";
  if (quantity === 1) return { tag: "queued", val: echo };
  return { tag: "failed", val: plain(quantity === 2 ? fault.missing(echo) : fault.rejected(echo)) };
}

export const stock = mirror("stock", {
  push: (levels) => levels.map(outcome),
  settle(ticket) {
    if (ticket === "wait") return { pollAfterMs: 30000 };
    const listed = [
      [ticket, "applied"],
      ["later", { tag: "queued", val: "again" }],
      ["never", { tag: "failed", val: plain(fault.denied("no")) }],
    ];
    return { done: { listed, rest: ["applied", "failed"].includes(ticket) ? ticket : "unknown" } };
  },
});

export const orders = mirror("orders", {
  changed(since, cursor) {
    if (cursor == null) return { orders: [order("0", since), order("1", since)], next: "2", waitMs: 1000 };
    return { orders: [order(cursor, since)] };
  },
  byId: (ids) => ids.filter((id) => id !== "gone").map((id) => order(id, PLACED)),
});

export const acceptance = mirror("acceptance", {
  decide(order, decisions) {
    if (order === "fine") return;
    const echo = decisions.map((d) => [d.line, d.accepted, unsigned(d.quantity), orDash(d.reason)].join("|"));
    throw fault.conflict(`${order}: ${echo.join("; ")}`);
  },
});

export const fulfillments = mirror("fulfillments", {
  carriers() {
    const carrier = { code: "AP", name: "Österreichische Post", url: "https://post.example" };
    return [
      { carrier, trackingRequired: true, trackingPattern: "^[A-Z]+$", booksItself: false, usable: true },
      { carrier: {}, usable: false },
    ];
  },
  prepare(parcel) {
    const { id, number, last, order, carrier } = parcel;
    const lines = parcel.lines.map((p) => `${unsigned(p.quantity)} x ${p.line} [${told(p.marks)}]`).join(", ");
    const texts = [carrier.code, carrier.name, carrier.url, parcel.tracking, parcel.trackingUrl, parcel.shippedAt, parcel.shipFrom];
    const echo = [id, number, last, order, lines, ...texts.map(orDash), told(parcel.facts)];
    return { reached: stage(number), marketplaceId: echo.join("|"), more: !last };
  },
  ship: (parcel) => ({ reached: "shipped", marketplaceId: parcel.tracking, more: parcel.last }),
});

export const cancellations = mirror("cancellations", {
  reasons() {
    const kinds = ["cancel", "refuse", "refund", "reject-return", { tag: "other", val: "whim" }];
    const entry = (kind, n) => ({ code: `C${n}`, label: `Reason ${n}`, kind, outOfStock: [true, false, undefined][n % 3], usable: n % 2 === 0 });
    return kinds.map(entry);
  },
  cancel(drops) {
    const packed = (d) => {
      const nothing = d.goods == null && d.shipping == null && d.taxes.length === 0 && d.charges.length === 0;
      const words = [d.reason, orDash(d.refundReason), orDash(d.note), orDash(d.answers)];
      const line = [d.id, d.order, d.line, d.paid, nothing, ...words].join("|");
      return { line, quantity: unsigned(d.quantity), marks: [{ key: "drop", value: d.id }] };
    };
    return { lines: drops.map(packed) };
  },
});

const subscription = (n) => ({
  id: `S${n}`,
  url: `https://shop.example/${n}`,
  events: Array.from({ length: n }, (_, e) => `event ${e}`),
  enabled: n === 2,
});

export const webhooks = mirror("webhooks", {
  list: () => [subscription(0), subscription(2)],
  ensure: (url) => ({ id: "S9", url, events: ["all"], enabled: true }),
  remove(id) {
    if (id !== "S9") throw fault.missing(id);
  },
  parse(headers, body) {
    const hex = Array.from(body, (byte) => byte.toString(16).padStart(2, "0")).join("");
    const lines = headers.map((h) => `${h.name}: ${h.value}`).join(", ");
    return [{ tag: "order", val: lines }, { tag: "listing-sku", val: hex }, "channel", "nothing"];
  },
});
