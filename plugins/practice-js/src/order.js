// An order as the contract has it. Always whole: each time it is told, it replaces what the host knew.

import { count, exact, fault, instant, list, money, object, text } from "../../sdk-js/src/index.js";

/** Reads an order. The fault names it, and the member that must be there and is not. */
export function order(row, taxName) {
  const id = need(exact(row.id), "an order's id");
  const number = text(row.number) ?? id;
  const of = (member) => need(text(row[member]), `"${member}" of order ${number}`);
  const reader = { currency: of("currency"), taxName, number, state: state(of("status")) };
  const shipping = object(row.shipping);
  const shipBy = instant(row.ship_by);
  return {
    id,
    number,
    state: reader.state,
    nativeState: of("status"),
    placedAt: need(instant(row.placed_at), `the time of purchase of order ${number}`),
    updatedAt: instant(row.updated_at),
    shipBy: shipBy && { latest: shipBy },
    currency: reader.currency,
    // Sums as the marketplace states them: the host compares, and tells a difference.
    totals: { grand: money(row.total, reader.currency), shipping: money(shipping.price, reader.currency), taxIncluded: true },
    taxes: tax(shipping.tax, "shipping", reader),
    // Orders come when they are paid.
    payment: { state: "paid" },
    buyer: buyer(object(row.buyer)),
    delivery: {
      service: text(shipping.method),
      serviceLabel: text(shipping.label),
      trackingRequired: true,
      shipTo: row.ship_to && address(object(row.ship_to), object(row.buyer)),
    },
    lines: list(row.lines).map((one) => line(object(one), reader)),
    parcels: list(row.parcels).map((one) => parcel(object(one))),
  };
}

/** The marketplace's word in the contract's. One that is new becomes `other`: the host works nothing on such an order. */
function state(word) {
  return ["open", "shipped", "cancelled"].includes(word) ? { tag: word } : { tag: "other", val: word };
}

function line(row, { currency, taxName, number, state }) {
  const id = need(exact(row.id), `a line's id of order ${number}`);
  const pieces = (member) => need(count(row[member]), `"${member}" of line ${id} of order ${number}`);
  const [quantity, cancelled, shipped] = ["quantity", "cancelled", "shipped"].map(pieces);
  return {
    id,
    sku: exact(row.sku),
    listing: exact(row.listing),
    title: text(row.title) ?? "",
    quantity,
    cancelled,
    shipped,
    // The order has one word for all: the line's own state is in its numbers.
    state: state.tag === "other" ? state : cancelled === quantity ? "cancelled" : cancelled + shipped >= quantity ? "shipped" : "open",
    nativeState: "",
    // Amounts stay those of all pieces that were ordered.
    cover: "ordered",
    paidUnit: money(row.price, currency),
    taxes: tax(row.tax, "goods", { currency, taxName }),
  };
}

/** The marketplace tells only the amount of tax, and leaves it to the seller to pay. */
function tax(value, on, { currency, taxName }) {
  const amount = money(value, currency);
  return amount ? [{ code: taxName, amount, on, included: true, collectedBy: "seller" }] : [];
}

/** The host settles by these what it sent: every parcel that the marketplace knows, with its code. */
function parcel(row) {
  const carrier = text(row.carrier);
  const packed = list(row.lines).map(object).map((one) => ({ line: exact(one.line), quantity: count(one.quantity) }));
  return {
    id: exact(row.id),
    lines: packed.filter((one) => one.line !== undefined && one.quantity !== undefined),
    carrier: carrier && { code: carrier },
    tracking: text(row.tracking),
    stage: "shipped",
    shippedAt: instant(row.shipped_at),
  };
}

function buyer(row) {
  return { name: text(row.name), email: text(row.email), emailKind: "real", phone: text(row.phone) };
}

function address(row, buyer) {
  return {
    name: text(row.name),
    company: text(row.company),
    lines: [row.line1, row.line2].map(text).filter((one) => one !== undefined),
    city: text(row.city),
    region: text(row.region),
    postcode: text(row.postcode),
    country: text(row.country),
    phones: [text(buyer.phone)].filter((one) => one !== undefined),
  };
}

function need(value, what) {
  if (value === undefined) throw fault.protocol(`the answer does not tell ${what}`);
  return value;
}
