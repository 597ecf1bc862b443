// Cancelling at the channel what the seller cannot supply.

import { encode, exact, Fault, fault, implement, text } from "../../sdk-js/src/index.js";
import { market, rows } from "./market.js";

/** Refusals of one cancellation that say nothing about the others. */
const ITS_OWN = ["rejected", "missing", "conflict"];

export const cancellations = implement("cancellations", {
  reasons() {
    return rows(market.getJson("/v1/cancel-reasons"), "reasons").flatMap((row) => {
      const code = exact(row.code);
      if (code === undefined) return [];
      return [{ code, label: text(row.label) ?? code, kind: "cancel", outOfStock: code === "out-of-stock", usable: true }];
    });
  },

  // Units of one order. One request for each, with its own key: a repeat cancels nothing twice.
  cancel(drops) {
    const lines = [];
    let refused;
    for (const drop of drops) {
      try {
        market.sendJson("post", `/v1/orders/${encode(drop.order)}/cancellations`, {
          key: drop.id,
          reason: drop.reason,
          lines: [{ line: drop.line, quantity: drop.quantity }],
        });
        lines.push({ line: drop.line, quantity: drop.quantity });
      } catch (thrown) {
        if (!(thrown instanceof Fault)) throw thrown;
        if (ITS_OWN.includes(thrown.tag)) refused ??= thrown;
        // Some are cancelled already, and another fault would say that none is: the host has to look.
        else throw lines.length === 0 ? thrown : fault.unknownOutcome(thrown.detail);
      }
    }
    if (refused && lines.length === 0) throw refused;
    // What is left out of the answer was not cancelled.
    return { lines };
  },
});
