// Cancelling units. Vendure gives their allocation back and lowers the order's total; money is given back by a person
// there, since only a person knows how much of it (the fact `refund-due` of the order tells what is open).

import { fault, implement, list, text } from "../../sdk-js/src/index.js";
import { mutate, query } from "./api.js";

/** Vendure takes any words; buyers may see them. */
const REASONS = [
  { code: "out-of-stock", label: "Out of stock", outOfStock: true },
  { code: "cancelled-by-seller", label: "Cancelled by the seller", outOfStock: false },
];

const ORDER = "query ($id: ID!) { order(id: $id) { id lines { id quantity } fulfillments { state } } }";

const CANCEL = `mutation ($input: CancelOrderInput!) {
  cancelOrder(input: $input) {
    ... on Order { id }
    ... on ErrorResult { errorCode message }
    ... on OrderStateTransitionError { transitionError }
  }
}`;

export const cancellations = implement("cancellations", {
  reasons() {
    return REASONS.map((one) => ({ ...one, kind: "cancel", usable: true }));
  },

  cancel(drops) {
    if (drops.length === 0) return { lines: [] };
    const [{ order, reason }] = drops;
    const found = query(ORDER, { id: order }).order;
    if (!found) throw fault.missing(`order ${order}`);
    const dropped = new Map();
    for (const { line, quantity } of drops) dropped.set(line, (dropped.get(line) ?? 0) + quantity);
    const nothingLeft = list(found.lines).every((one) => one.quantity <= (dropped.get(one.id) ?? 0));
    const nothingSent = list(found.fulfillments).every((one) => one.state === "Cancelled");
    mutate(CANCEL, {
      input: {
        orderId: order,
        lines: [...dropped].map(([orderLineId, quantity]) => ({ orderLineId, quantity })),
        // Nobody pays for shipping when nothing is shipped.
        cancelShipping: nothingLeft && nothingSent,
        reason: REASONS.find((one) => one.code === reason)?.label ?? text(reason),
      },
    });
    return { lines: [...dropped].map(([line, quantity]) => ({ line, quantity })) };
  },
});
