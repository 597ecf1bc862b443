// What the channel sells.

import { log } from "lockstep:plugin/session@0.1.0";
import { exact, flag, implement, instant, text } from "../../sdk-js/src/index.js";
import { lookUp, page } from "./market.js";

const PATH = "/v1/listings";
/** Ids or SKUs of one request. */
const AT_ONCE = 100;
/** Where 32 bits with a sign end. */
const MOST = 0x7fffffff;

export const listings = implement("listings", {
  page(cursor) {
    const { rows, next } = page(PATH, "listings", {}, cursor);
    return { listings: read(rows), next };
  },

  byId(ids) {
    return read(lookUp(PATH, "listings", "id", ids, AT_ONCE));
  },

  bySku(skus) {
    // Equal to the letter.
    return read(lookUp(PATH, "listings", "sku", skus, AT_ONCE)).filter((one) => skus.includes(one.sku));
  },
});

function read(rows) {
  return rows.flatMap((row) => {
    const id = exact(row.id);
    // One bad row stalls nothing else.
    if (id === undefined) log("warn", `a listing without id: ${JSON.stringify(row).slice(0, 200)}`);
    return id === undefined ? [] : [listing(id, row)];
  });
}

function listing(id, row) {
  const active = flag(row.active);
  const quantity = Number.isInteger(row.quantity) && Math.abs(row.quantity) <= MOST ? row.quantity : undefined;
  return {
    id,
    // Byte for byte: blanks and case count when SKUs are matched.
    sku: exact(row.sku),
    title: text(row.title) ?? "",
    state: active === undefined ? { tag: "other", val: "unknown" } : active ? "buyable" : "unbuyable",
    // The number that stock writes set.
    quantity: quantity === undefined ? undefined : Math.max(quantity, 0),
    // A sale lowers `quantity` by itself: nothing else is held back.
    reserved: 0,
    buyable: quantity,
    updatedAt: instant(row.updated_at),
  };
}
