// Reading orders.

import { count, implement, list, milliseconds } from "../../sdk-js/src/index.js";
import { query } from "./api.js";
import { order } from "./order.js";

const PAGE = 50;
/** Orders that leave the selection while it is walked move the rest forward: pages overlap by so many. */
const OVERLAP = 5;
/** States that wait for something at Vendure. */
const WAITING = ["PaymentAuthorized", "Modifying", "ArrangingAdditionalPayment"];

const ADDRESS = "fullName company streetLine1 streetLine2 city province postalCode country countryCode phoneNumber";

const ORDERS = `query ($options: OrderListOptions!) {
  globalSettings { serverConfig { moneyStrategyPrecision } }
  orders(options: $options) {
    totalItems
    items {
      id code type state orderPlacedAt updatedAt currencyCode couponCodes
      subTotalWithTax shippingWithTax totalWithTax total
      customer { id firstName lastName emailAddress phoneNumber }
      shippingAddress { ${ADDRESS} }
      billingAddress { ${ADDRESS} }
      shippingLines { shippingMethod { code name } }
      surcharges { id description priceWithTax }
      payments { id method amount state transactionId updatedAt refunds { id total state } }
      lines {
        id quantity orderPlacedQuantity updatedAt
        unitPriceWithTax proratedUnitPrice proratedUnitPriceWithTax proratedLinePriceWithTax lineTax
        taxLines { description taxRate }
        discounts { description amountWithTax }
        productVariant { id sku name product { id } }
      }
      fulfillments { id state method trackingCode updatedAt lines { orderLineId quantity } }
    }
  }
}`;

export const orders = implement("orders", {
  // Vendure saves an order twice when its state changes, and the second time writes the old `updatedAt` back (3.7). So
  // what was placed lately and what waits is asked for beside what was updated lately. The rest that can happen by a
  // state alone, a parcel that somebody marks as shipped, the host finds when it reads open orders by id.
  changed(since, cursor) {
    const skip = count(cursor) ?? 0;
    // `after` does not include the moment itself, and some databases keep whole seconds.
    const after = new Date(Math.floor(milliseconds(since) / 1000) * 1000 - 1).toISOString();
    const answer = read({
      skip,
      take: PAGE,
      sort: { id: "ASC" },
      filter: {
        orderPlacedAt: { isNull: false },
        _or: [{ updatedAt: { after } }, { orderPlacedAt: { after } }, { state: { in: WAITING } }],
      },
    });
    const more = skip + answer.read < answer.total && answer.read > OVERLAP;
    return { orders: answer.orders, next: more ? String(skip + answer.read - OVERLAP) : undefined };
  },

  byId(ids) {
    if (ids.length === 0) return [];
    return read({ take: ids.length, filter: { id: { in: ids }, orderPlacedAt: { isNull: false } } }).orders;
  },
});

function read(options) {
  const answer = query(ORDERS, { options });
  const digits = answer.globalSettings.serverConfig.moneyStrategyPrecision;
  const items = list(answer.orders.items);
  return {
    total: answer.orders.totalItems,
    read: items.length,
    // With several sellers, an aggregate order has the same lines as the sellers' own orders.
    orders: items.filter((one) => one.type !== "Aggregate").map((one) => order(one, digits)),
  };
}
