// An order of Vendure in the contract's words. Amounts are those with tax, whichever way the channel keeps its prices:
// that is what buyers see and pay.

import { decimal, instant, list, moneyFromMinor, text } from "../../sdk-js/src/index.js";
import { line } from "./line.js";

const STATES = {
  PaymentAuthorized: "held",
  PaymentSettled: "open",
  PartiallyShipped: "open",
  PartiallyDelivered: "open",
  Modifying: "held",
  ArrangingAdditionalPayment: "held",
  Shipped: "shipped",
  Delivered: "delivered",
  Cancelled: "cancelled",
};

const HOLDS = {
  PaymentAuthorized: "payment",
  ArrangingAdditionalPayment: "payment",
  Modifying: { tag: "other", val: "it is being modified in Vendure" },
};

const STAGES = { Created: "created", Pending: "ready", Shipped: "shipped", Delivered: "delivered", Cancelled: "cancelled" };

/** `digits`: how many digits of an amount are behind the point. */
export function order(found, digits) {
  const money = (minor) => moneyFromMinor(minor, digits, found.currencyCode);
  const state = STATES[found.state] ?? { tag: "other", val: found.state };
  const fulfillments = list(found.fulfillments);
  const method = list(found.shippingLines)[0]?.shippingMethod;
  return {
    id: found.id,
    number: found.code,
    state,
    nativeState: found.state,
    holds: found.state in HOLDS ? [HOLDS[found.state]] : [],
    placedAt: instant(found.orderPlacedAt),
    updatedAt: newest(found),
    currency: found.currencyCode,
    totals: {
      goods: money(found.subTotalWithTax),
      shipping: money(found.shippingWithTax),
      tax: money(found.totalWithTax - found.total),
      charges: money(list(found.surcharges).reduce((sum, one) => sum + one.priceWithTax, 0)),
      grand: money(found.totalWithTax),
      taxIncluded: true,
    },
    charges: list(found.surcharges).map((one) => ({
      kind: { tag: "other", val: "surcharge" },
      code: text(one.description),
      amount: money(one.priceWithTax),
    })),
    payment: payment(found),
    buyer: buyer(found),
    billTo: address(found.billingAddress),
    delivery: {
      service: text(method?.code),
      serviceLabel: text(method?.name),
      labelBy: "seller",
      trackingRequired: false,
      shipTo: address(found.shippingAddress),
    },
    lines: list(found.lines).map((one) => line(one, { state, native: found.state, fulfillments, money })),
    parcels: fulfillments.map(parcel),
    facts: facts(found, money),
  };
}

/** The newest of the moments that the order, its lines, payments and parcels tell. */
function newest(found) {
  const all = [found, ...list(found.lines), ...list(found.payments), ...list(found.fulfillments)]
    .map((one) => instant(one.updatedAt))
    .concat(instant(found.orderPlacedAt));
  // Instants of one form sort as text.
  return all.filter((one) => one !== undefined).sort().at(-1);
}

function payment(found) {
  const taken = list(found.payments).filter((one) => !["Declined", "Error", "Cancelled"].includes(one.state));
  const refunded = refunds(taken);
  const settled = taken.filter((one) => one.state === "Settled");
  const paid = settled.reduce((sum, one) => sum + one.amount, 0);
  const of = (state) => ({ state, method: text(taken[0]?.method), reference: text(taken[0]?.transactionId) });
  if (refunded > 0) return of(refunded >= paid ? "refunded" : "part-refunded");
  if (settled.length > 0 && settled.length === taken.length) return of("paid");
  if (taken.some((one) => one.state === "Authorized")) return of("authorized");
  return of(found.totalWithTax === 0 ? "not-needed" : "pending");
}

function refunds(payments) {
  return payments
    .flatMap((one) => list(one.refunds))
    .filter((one) => one.state !== "Failed")
    .reduce((sum, one) => sum + one.total, 0);
}

/** Cancelling lowers an order's total; the money that came in before is given back by a person, in Vendure. */
function facts(found, money) {
  const settled = list(found.payments).filter((one) => one.state === "Settled");
  const paid = settled.reduce((sum, one) => sum + one.amount, 0);
  const due = paid - refunds(settled) - found.totalWithTax;
  const told = list(found.couponCodes).map((value) => ({ key: "coupon", value }));
  if (due > 0) told.push({ key: "refund-due", value: `${decimal(money(due).amount)} ${found.currencyCode}` });
  return told;
}

function buyer({ customer }) {
  if (!customer) return {};
  const name = [customer.firstName, customer.lastName].map(text).filter((one) => one !== undefined).join(" ");
  const email = text(customer.emailAddress);
  return { id: customer.id, name: text(name), email, emailKind: email ? "real" : "none", phone: text(customer.phoneNumber) };
}

function address(found) {
  // A basket without an address has an empty one.
  if (!found || !Object.values(found).some((one) => text(one) !== undefined)) return undefined;
  return {
    name: text(found.fullName),
    company: text(found.company),
    lines: [found.streetLine1, found.streetLine2].map(text).filter((one) => one !== undefined),
    city: text(found.city),
    region: text(found.province),
    postcode: text(found.postalCode),
    country: text(found.countryCode)?.toUpperCase(),
    countryAsGiven: text(found.country),
    phones: [text(found.phoneNumber)].filter((one) => one !== undefined),
  };
}

function parcel(found) {
  const name = text(found.method);
  return {
    id: found.id,
    lines: list(found.lines).map((one) => ({ line: one.orderLineId, quantity: one.quantity })),
    carrier: name && { name },
    tracking: text(found.trackingCode),
    stage: STAGES[found.state] ?? { tag: "other", val: found.state },
    nativeStage: found.state,
    shippedAt: found.state === "Shipped" ? instant(found.updatedAt) : undefined,
  };
}
