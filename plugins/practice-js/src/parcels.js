// Telling the channel what was shipped.

import { encode, exact, fault, implement, object, text } from "../../sdk-js/src/index.js";
import { market, rows } from "./market.js";

/** What the marketplace takes for a tracking code. */
const CODE = "^[A-Za-z0-9-]{4,40}$";

export const fulfillments = implement("fulfillments", {
  // The host matches what the merchant wrote in Shopify ("AusPost") with these names.
  carriers() {
    return rows(market.getJson("/v1/carriers"), "carriers").map((row) => ({
      carrier: { code: exact(row.code), name: text(row.name) },
      trackingRequired: true,
      trackingPattern: CODE,
      booksItself: false,
      usable: true,
    }));
  },

  // One request does all, so nothing is left for `ship`. Its key makes a repeat harmless: the same parcel comes back.
  prepare: tell,
  ship: tell,
});

function tell(parcel) {
  if (!new RegExp(CODE).test(parcel.tracking ?? "")) {
    // What is refused here costs no request, and reaches a person at once.
    throw fault.rejected(`"${parcel.tracking ?? ""}" is no tracking code for Practice Market: 4 to 40 letters, digits and dashes`);
  }
  const told = market.sendJson("post", `/v1/orders/${encode(parcel.order)}/parcels`, {
    key: parcel.id,
    carrier: parcel.carrier.code,
    tracking: parcel.tracking,
    shipped_at: parcel.shippedAt,
    lines: parcel.lines.map(({ line, quantity }) => ({ line, quantity })),
  });
  return { reached: "shipped", marketplaceId: exact(object(told).id), more: false };
}
