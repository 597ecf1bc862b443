// The stock location that is written: Vendure keeps a number for each, and the host has one.

import { setting } from "lockstep:plugin/session@0.1.0";
import { fault, list, text } from "../../sdk-js/src/index.js";

/** What a query must ask for beside its own things. */
export const LOCATIONS = "stockLocations(options: { take: 100 }) { items { id name } }";

/** The id of the location, out of the answer to [`LOCATIONS`]. */
export function location(answer) {
  const all = list(answer?.stockLocations?.items);
  const wanted = text(setting("stock-location"));
  const found = wanted === undefined ? all : all.filter((one) => one.name === wanted || one.id === wanted);
  if (found.length === 1) return found[0].id;
  const names = all.map((one) => `"${one.name}"`).join(", ");
  throw fault.denied(
    wanted === undefined
      ? `the channel has ${all.length} stock locations (${names}); name one in the setting stock-location`
      : `the setting stock-location is "${wanted}", but ${found.length} of ${names} fit`,
  );
}
