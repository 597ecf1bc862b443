// Writing stock.

import { exact, Fault, fault, flag, implement, object, text } from "../../sdk-js/src/index.js";
import { market, rows } from "./market.js";

export const stock = implement("stock", {
  // At most `[stock] batch` levels of plugin.toml. Numbers are absolute, so a repeat is harmless.
  push(levels) {
    if (levels.length === 0) return [];
    const body = { levels: levels.map(({ listing, quantity }) => ({ listing, quantity })) };
    const answer = market.sendJson("put", "/v1/stock", body);
    const told = new Map(results(answer).map((row) => [exact(row.listing), outcome(row)]));
    // One outcome for each level, in their order.
    return levels.map(({ listing }) => told.get(listing) ?? failed(fault.unknownOutcome(`the answer says nothing of listing ${listing}`)));
  },

  // Nothing is queued here.
  settle(ticket) {
    throw fault.missing(`there is no ticket ${ticket}`);
  },
});

function results(answer) {
  try {
    return rows(answer, "results");
  } catch (thrown) {
    // It was written, but not told how: the host reads the listings back.
    throw thrown instanceof Fault ? fault.unknownOutcome(thrown.detail) : thrown;
  }
}

function outcome(row) {
  if (flag(row.ok) === true) return "applied";
  const { code, message } = object(row.error);
  const words = text(message) ?? "refused without a word";
  return failed(code === "not-found" ? fault.missing(words) : fault.rejected(words, text(code)));
}

function failed(why) {
  return { tag: "failed", val: why };
}
