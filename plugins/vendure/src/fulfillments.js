// Parcels are fulfillments. Making one is a sale to Vendure: stock on hand and allocation fall together by its units.
// Marking it as shipped moves no stock.

import { setting } from "lockstep:plugin/session@0.1.0";
import { fault, implement, list, text } from "../../sdk-js/src/index.js";
import { mutate, query } from "./api.js";

const ORDER = `query ($id: ID!) {
  order(id: $id) { id code state fulfillments { id state method trackingCode lines { orderLineId quantity } } }
}`;

const ERROR = `... on ErrorResult { errorCode message }
  ... on FulfillmentStateTransitionError { transitionError }`;

const CREATE = `mutation ($input: FulfillOrderInput!) {
  addFulfillmentToOrder(input: $input) {
    ... on Fulfillment { id state }
    ${ERROR}
    ... on InsufficientStockOnHandError { productVariantName stockOnHand }
  }
}`;

const SHIP = `mutation ($id: ID!) {
  transitionFulfillmentToState(id: $id, state: "Shipped") { ... on Fulfillment { id state } ${ERROR} }
}`;

export const fulfillments = implement("fulfillments", {
  carriers() {
    const names = (text(setting("carriers")) ?? "").split(",").map(text);
    return [...new Set(names)].filter((one) => one !== undefined).map((name) => ({
      carrier: { name },
      trackingRequired: false,
      usable: true,
    }));
  },

  prepare(parcel) {
    const known = find(parcel);
    if (known) return told(known);
    const input = {
      lines: parcel.lines.map((one) => ({ orderLineId: one.line, quantity: one.quantity })),
      handler: {
        code: "manual-fulfillment",
        arguments: [
          { name: "method", value: carrier(parcel) },
          { name: "trackingCode", value: parcel.tracking ?? "" },
        ],
      },
    };
    return told(mutate(CREATE, { input }));
  },

  ship(parcel) {
    const known = find(parcel);
    if (!known) throw fault.conflict(`order ${parcel.order} has no fulfillment ${parcel.tracking ?? carrier(parcel)}`);
    return told(done(known) ? known : mutate(SHIP, { id: known.id }));
  },
});

function told(fulfillment) {
  return { reached: done(fulfillment) ? "shipped" : "ready", marketplaceId: fulfillment.id, more: !done(fulfillment) };
}

function done({ state }) {
  return state === "Shipped" || state === "Delivered";
}

function carrier(parcel) {
  return text(parcel.carrier.name) ?? text(parcel.carrier.code) ?? "";
}

/** The parcel's fulfillment, if it has been made: with the same units, carrier and code. */
function find(parcel) {
  const { order } = query(ORDER, { id: parcel.order });
  if (!order) throw fault.missing(`order ${parcel.order}`);
  const all = list(order.fulfillments).filter((one) => one.state !== "Cancelled");
  const same = all.filter((one) => sameUnits(one, parcel) && text(one.trackingCode) === text(parcel.tracking));
  if (text(parcel.tracking) !== undefined) return same[0];
  // Without a code two parcels can look alike. The host tells them in the order of their numbers, so the order has as
  // many fulfillments as this one's number only once it is among them.
  const alike = same.filter((one) => one.method === carrier(parcel));
  return all.length >= parcel.number ? alike.at(-1) : undefined;
}

function sameUnits(fulfillment, parcel) {
  const sums = new Map();
  for (const { line, quantity } of parcel.lines) sums.set(line, (sums.get(line) ?? 0) + quantity);
  for (const { orderLineId, quantity } of list(fulfillment.lines)) sums.set(orderLineId, (sums.get(orderLineId) ?? 0) - quantity);
  return [...sums.values()].every((one) => one === 0);
}
