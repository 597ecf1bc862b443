// Reading orders.

import { log, setting } from "lockstep:plugin/session@0.1.0";
import { exact, Fault, implement, instant, text } from "../../sdk-js/src/index.js";
import { lookUp, page } from "./market.js";
import { order } from "./order.js";

const PATH = "/v1/orders";
/** Ids of one request. */
const AT_ONCE = 50;

export const orders = implement("orders", {
  changed(since, cursor) {
    const { rows, next } = page(PATH, "orders", { changed_since: since }, cursor);
    return { orders: read(rows), next };
  },

  // The look-up after every write.
  byId(ids) {
    return read(lookUp(PATH, "orders", "id", ids, AT_ONCE));
  },
});

function read(rows) {
  const taxName = setting("tax-name") ?? "";
  return rows.flatMap((row) => {
    try {
      return [order(row, taxName)];
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      // One bad row stalls nothing else. Without an id it cannot even be shown.
      log("error", thrown.detail);
      return exact(row.id) === undefined ? [] : [unreadable(row, thrown.detail)];
    }
  });
}

/** What is left of an order that cannot be read, so that it is shown to a person, and the rest of its page is worked. */
function unreadable(row, why) {
  const id = exact(row.id);
  return {
    id,
    number: text(row.number) ?? id,
    state: { tag: "other", val: `unreadable: ${why}` },
    nativeState: text(row.status) ?? "",
    placedAt: instant(row.placed_at) ?? "1970-01-01T00:00:00.000Z",
    currency: text(row.currency) ?? "",
  };
}
