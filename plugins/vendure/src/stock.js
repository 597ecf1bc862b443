// Writing stock on hand. Vendure subtracts what it has allocated to open orders by itself.

import { Fault, fault, implement } from "../../sdk-js/src/index.js";
import { mutate, query } from "./api.js";
import { LOCATION_FACT } from "./listings.js";
import { location, LOCATIONS } from "./location.js";

const WRITE = `mutation ($input: [UpdateProductVariantInput!]!) {
  updateProductVariants(input: $input) { id }
}`;

/** Faults of one level rather than of the whole channel. */
const OWN = new Set(["missing", "rejected", "conflict"]);

export const stock = implement("stock", {
  push(levels) {
    if (levels.length === 0) return [];
    try {
      write(levels);
      return levels.map(() => "applied");
    } catch (thrown) {
      if (!(thrown instanceof Fault) || !OWN.has(thrown.tag)) throw thrown;
      // The whole mutation is one transaction: nothing of it was written.
      return levels.length === 1 ? [failed(thrown)] : levels.map(alone);
    }
  },

  settle(ticket) {
    throw fault.missing(`Vendure writes stock at once; there is no ticket ${ticket}`);
  },
});

function write(levels) {
  let usual;
  const place = (level) =>
    level.facts.find((one) => one.key === LOCATION_FACT)?.value ?? (usual ??= location(query(`{ ${LOCATIONS} }`)));
  const input = levels.map((level) => ({
    id: level.listing,
    stockLevels: [{ stockLocationId: place(level), stockOnHand: level.quantity }],
  }));
  mutate(WRITE, { input });
}

function alone(level) {
  try {
    write([level]);
    return "applied";
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    return failed(thrown);
  }
}

function failed({ tag, val }) {
  return { tag: "failed", val: { tag, val } };
}
