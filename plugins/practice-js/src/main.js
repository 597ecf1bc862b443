// Lockstep connector for Practice Market: one export for each interface of the world in wit/world.wit.

import { fault, implement, object, text } from "../../sdk-js/src/index.js";
import { market } from "./market.js";

export { cancellations } from "./cancellations.js";
export { listings } from "./listings.js";
export { orders } from "./orders.js";
export { fulfillments } from "./parcels.js";
export { stock } from "./stock.js";

export const about = implement("about", {
  // The connection test of `channel add`. The id pins the channel to this account.
  identify() {
    const account = object(market.getJson("/v1/account"));
    const id = text(account.id);
    if (id === undefined) throw fault.protocol("GET /v1/account: the answer does not tell the account's id");
    const country = text(account.country);
    return {
      id,
      name: text(account.name) ?? "",
      currency: text(account.currency),
      facts: country ? [{ key: "country", value: country }] : [],
    };
  },
});
