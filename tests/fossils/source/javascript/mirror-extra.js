// An extra that shows the host what reached it. Its twins in the other languages answer exactly the same.

import { setting } from "lockstep:plugin/session@0.1.0";
import { implement } from "../../../../plugins/sdk-js/src/extra.js";

/** What is not there is a dash. */
const orDash = (text) => text ?? "-";
const told = (facts) => facts.map((f) => `${f.key}=${f.value}`).join(",");
/** The bindings give numbers of 32 bits with a sign. */
const unsigned = (number) => number >>> 0;
const fails = () => setting("fail") === "true";

function ofAddress(a) {
  const texts = [a.name, a.firstName, a.lastName, a.company, a.suburb, a.city, a.region, a.postcode];
  texts.push(a.country, a.countryAsGiven, a.email, a.instructions);
  return [...texts.map(orDash), a.lines.join("/"), a.phones.join("/"), a.masked].join("|");
}

const ofLine = (l) => [orDash(l.sku), l.title, unsigned(l.quantity), `${l.price.amount} ${l.price.currency}`, l.matched, told(l.properties)].join("|");

export const orderEdits = implement("order-edits", {
  edits(draft) {
    if (fails()) throw `no edits of ${draft.number}`;
    const texts = [draft.country, draft.service, draft.serviceLabel, draft.buyerNote, draft.giftMessage].map(orDash);
    const head = [draft.channel, draft.channelTitle, draft.number, draft.placedAt, ...texts, draft.currency, draft.tags.join("/")];
    const price = { amount: "1.50", currency: draft.currency };
    const line = {
      title: head.join("|"),
      quantity: draft.lines.length,
      price,
      taxable: draft.taxIncluded,
      properties: draft.attributes,
    };
    const { title, code, price: cost } = draft.shipping ?? {};
    const to = draft.shipTo ? ofAddress(draft.shipTo) : "-";
    return [
      { tag: "add-line", val: line },
      { tag: "add-line", val: { title: "bare", quantity: 1, price, taxable: !draft.taxIncluded } },
      { tag: "set-shipping", val: { title, code, price: cost } },
      { tag: "add-tag", val: draft.lines.map(ofLine).join("; ") },
      { tag: "add-note", val: `${draft.note}; ${to}` },
      { tag: "set-attribute", val: { key: "facts", value: told(draft.facts) } },
    ];
  },
});

export const stockEdits = implement("stock-edits", {
  adjust(positions) {
    if (fails()) throw positions.map((p) => [p.listing, p.sku, p.title, unsigned(p.sellable), told(p.facts)].join("|")).join("; ");
    return positions.map((p) => Math.floor(unsigned(p.sellable) / 2));
  },
});

export const bundles = implement("bundles", {
  parts(candidates) {
    if (fails()) throw `no parts of ${candidates.length}`;
    return candidates.map((c) => {
      if (c.facts.length === 0) return [];
      return [
        { sku: c.sku, quantity: 2, priceWeight: 0x7fffffff },
        { sku: [c.listing, c.title, told(c.facts)].join("|"), quantity: 1, priceWeight: 0 },
      ];
    });
  },
});
