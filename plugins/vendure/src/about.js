// Whose server and channel it is.

import { fault, flag, implement, text } from "../../sdk-js/src/index.js";
import { query } from "./api.js";
import { location, LOCATIONS } from "./location.js";

const WHO = `{
  activeChannel { id code token defaultCurrencyCode pricesIncludeTax seller { name } }
  globalSettings { trackInventory }
  ${LOCATIONS}
}`;

export const about = implement("about", {
  identify() {
    const answer = query(WHO);
    const channel = answer.activeChannel;
    const seller = text(channel?.seller?.name);
    if (!channel?.token) throw fault.protocol("the active channel has no token");
    return {
      // Ids are counted from 1 on every server; a token is drawn at random.
      id: channel.token,
      name: seller ? `${seller} (${channel.code})` : channel.code,
      selling: true,
      currency: channel.defaultCurrencyCode,
      facts: [
        { key: "stock-location", value: location(answer) },
        { key: "prices-include-tax", value: String(flag(channel.pricesIncludeTax) ?? false) },
        { key: "track-inventory", value: String(flag(answer.globalSettings?.trackInventory) ?? false) },
      ],
    };
  },
});
