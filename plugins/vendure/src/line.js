// A line of an order. Vendure lowers `quantity` when units are cancelled and keeps what was ordered beside it.

import { decimal, exact, instant, list } from "../../sdk-js/src/index.js";

/** `money` makes an amount of minor units. */
export function line(found, { state, native, fulfillments, money }) {
  // A line that was added to a placed order has an `orderPlacedQuantity` of 0.
  const ordered = Math.max(found.orderPlacedQuantity, found.quantity);
  const units = (...states) =>
    fulfillments
      .filter((one) => states.includes(one.state))
      .flatMap((one) => list(one.lines))
      .filter((one) => one.orderLineId === found.id)
      .reduce((sum, one) => sum + one.quantity, 0);
  const shipped = Math.min(units("Shipped", "Delivered"), ordered);
  const dropped = ordered - found.quantity;
  // Units that were shipped and are taken off the order have come back.
  const returned = Math.max(shipped + dropped - ordered, 0);
  const standing = where(found, state, shipped - returned, units("Delivered"));
  return {
    id: found.id,
    sku: exact(found.productVariant.sku),
    listing: found.productVariant.id,
    product: found.productVariant.product?.id,
    title: found.productVariant.name,
    quantity: ordered,
    cancelled: dropped - returned,
    shipped,
    delivered: Math.min(units("Delivered"), ordered),
    returned,
    state: standing,
    nativeState: native,
    cover: "ordered",
    listUnit: money(found.unitPriceWithTax),
    paidUnit: money(found.proratedUnitPriceWithTax),
    goods: money(whole(found, ordered, found.proratedLinePriceWithTax, found.proratedUnitPriceWithTax)),
    taxes: taxes(found, ordered, money),
    discounts: list(found.discounts).map((one) => ({
      code: one.description,
      amount: money(-one.amountWithTax),
      on: "goods",
    })),
    updatedAt: instant(found.updatedAt),
  };
}

function where(found, orderState, shipped, delivered) {
  if (found.quantity === 0) return "cancelled";
  if (shipped >= found.quantity) return delivered >= found.quantity ? "delivered" : "shipped";
  // An order may be said to be shipped as a whole by a process of the merchant's own, without fulfillments.
  return orderState;
}

/** An amount of what is left of the line, for all that was ordered. */
function whole(found, ordered, ofLine, ofUnit) {
  if (found.quantity === ordered) return ofLine;
  return found.quantity === 0 ? ofUnit * ordered : Math.round((ofLine * ordered) / found.quantity);
}

/** The line's tax, shared out by the rates that make it up. */
function taxes(found, ordered, money) {
  const rates = list(found.taxLines).filter((one) => one.taxRate > 0);
  const total = whole(found, ordered, found.lineTax, found.proratedUnitPriceWithTax - found.proratedUnitPrice);
  const sum = rates.reduce((all, one) => all + one.taxRate, 0);
  let left = total;
  return rates.map((one, at) => {
    const amount = at === rates.length - 1 ? left : Math.round((total * one.taxRate) / sum);
    left -= amount;
    return {
      code: one.description,
      // Percent to fraction.
      rate: decimal(`${one.taxRate}e-2`)?.toString(),
      amount: money(amount),
      on: "goods",
      included: true,
      collectedBy: "seller",
    };
  });
}
