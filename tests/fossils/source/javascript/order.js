// An order in which its number decides everything. Ten orders in a row have each case of each variant, options with
// and without a value, and no two fields alike.

const other = (val) => ({ tag: "other", val });
const cycle = (cases) => (n) => cases[n % cases.length];
const fact = (key, value) => ({ key, value });

export const money = (amount) => ({ amount, currency: "AUD" });
export const fulfiller = cycle(["seller", { tag: "seller-to-hub", val: "hub" }, { tag: "marketplace", val: "warehouse" }, { tag: "partner", val: "partner" }]);
export const stage = cycle(["created", "packed", "ready", "shipped", "delivered", "cancelled", other("adrift")]);

const state = cycle(["held", "open", "shipped", "delivered", "closed", "cancelled", "refused", "delivery-failed", "returned", other("limbo")]);
const side = cycle(["seller", "marketplace", "buyer", "unknown"]);
const part = cycle(["goods", "shipping", "gift", "payment-fee", "import-duty", other("deposit")]);
const payment = cycle(["pending", "authorized", "paid", "failed", "part-refunded", "refunded", "not-needed", other("barter")]);
const mode = cycle(["home", { tag: "pickup-point", val: "point" }, { tag: "store", val: "store" }, { tag: "hub", val: "hub" }, "digital", other("drone")]);
const kinship = cycle(["replaces", "replaced-by", "exchange", "service", other("cousin")]);
const adjusted = cycle(["cancellation", "refund", "compensation", other("apology")]);
const email = cycle(["none", "real", "relay", "masked", "unknown"]);
const lineKind = cycle(["goods", "digital", "service", other("ticket")]);
const cover = cycle(["ordered", "remaining"]);
const ACTIONS = ["accept", "refuse", "pack", "ready", "ship", "correct-tracking", "cancel", "refund", other("dance")];

/** Values of options: there are some for even numbers, and none for odd ones. */
const someOf = (n) => (value) => (n % 2 === 0 ? value : undefined);

function holds(n, when) {
  const even = n % 2 === 0;
  return [
    "payment",
    "fraud",
    { tag: "acceptance", val: even ? when : undefined },
    "address",
    { tag: "preorder", val: even ? undefined : when },
    "cancellation-asked",
    other("a storm"),
  ];
}

const address = (who) => ({
  name: `${who} name`,
  firstName: `${who} first-name`,
  lastName: `${who} last-name`,
  company: `${who} company`,
  lines: [`${who} line 1`, `${who} line 2`],
  suburb: `${who} suburb`,
  city: `${who} city`,
  region: `${who} region`,
  postcode: `${who} postcode`,
  country: "AU",
  countryAsGiven: `${who} country`,
  phones: ["+61 2 5550 0001"],
  email: `${who} email`,
  instructions: `${who} instructions`,
  masked: true,
});

const carrier = { code: "AP", name: "Post", url: "https://post.example" };
const window = { earliest: "2026-03-01T00:00:00Z", latest: "2026-03-09T00:00:00Z" };
const gift = { message: "for you", sender: "me", wrap: "red" };

const tax = (n) => ({
  code: `T${n}`,
  rate: someOf(n)("0.1"),
  amount: money(`0.1${n}`),
  on: part(n),
  included: someOf(n)(n % 4 === 0),
  collectedBy: side(n),
});

function delivery(n) {
  const some = someOf(n);
  return {
    mode: mode(n),
    service: some("EXP"),
    serviceLabel: some("Express"),
    preset: some(carrier),
    trackingRequired: some(true),
    labelBy: side(n),
    shipTo: some(address("ship")),
    finalTo: some(address("final")),
    labelReference: some("label"),
    demands: ["signature"],
  };
}

const discounts = (some) => [{ code: some("SALE"), amount: money("1.5"), on: part(0), sellerShare: some(money("0.5")) }];
const charges = (some) => [{ kind: part(2), code: some("WRAP"), amount: money("2.5") }];
const costs = (some) => [{ code: "commission", amount: money("3.5"), tax: some(money("0.35")) }];
const ask = (n, some, when) => ({ id: some("ask"), by: side(n), quantity: some(1), reason: some("too late"), at: some(when), answerBy: some(when) });

function line(n, when) {
  const some = someOf(n);
  return {
    id: `L${n}`,
    kind: lineKind(n),
    fold: some("fold"),
    sku: some("SKU-é"),
    listing: some("listing"),
    product: some("product"),
    title: `Zoë's tee ${n} €`,
    choices: [fact("size", "M")],
    quantity: n + 3,
    cancelled: 1,
    shipped: 2,
    delivered: some(4),
    returned: some(5),
    state: state(n),
    nativeState: "native line",
    reason: some("reason"),
    allowed: some(ACTIONS),
    fulfilledBy: some(fulfiller(Math.floor(n / 2))),
    cover: cover(n),
    listUnit: some(money("10.10")),
    paidUnit: some(money("9.09")),
    goods: some(money("8.08")),
    shipping: some(money("7.07")),
    taxes: [0, 1, 2, 3, 4, 5].map(tax),
    discounts: discounts(some),
    charges: charges(some),
    costs: costs(some),
    shipBy: some(window),
    deliverBy: some(window),
    shipFrom: some("Botany"),
    marksRequired: ["serial"],
    delivery: some(delivery(n)),
    gift: some(gift),
    cancelAsks: [ask(n, some, when)],
    updatedAt: some(when),
    facts: [fact("line", `${n}`)],
  };
}

function parcel(n, when) {
  const some = someOf(n);
  return {
    id: some("parcel"),
    lines: [{ line: `L${n}`, quantity: 2, marks: [fact("serial", "S1")] }],
    carrier: some(carrier),
    tracking: some("TRACK1"),
    trackingUrl: some("https://post.example/TRACK1"),
    stage: stage(n),
    nativeStage: some("native stage"),
    shippedAt: some(when),
  };
}

function adjustment(n, when) {
  const some = someOf(n);
  return {
    id: "adjustment",
    line: some("L0"),
    kind: adjusted(n),
    quantity: some(1),
    goods: some(money("-1.00")),
    shipping: some(money("-0.50")),
    taxes: [tax(n)],
    reason: some("broken"),
    by: side(n),
    at: some(when),
    settled: some(true),
  };
}

const buyer = (n, some) => ({
  id: some("buyer"),
  name: some("Zoë Ng"),
  company: "Ng & Co",
  email: some("zoe@mirror.example"),
  emailKind: email(n),
  phone: some("+61 2 5550 0002"),
  locale: some("en-AU"),
  purchaseOrder: some("PO-1"),
  taxIds: [fact("ABN", "51 824 753 556")],
});

const totals = (some) => ({
  goods: some(money("1.01")),
  shipping: some(money("2.02")),
  tax: some(money("3.03")),
  discount: some(money("4.04")),
  charges: some(money("5.05")),
  grand: some(money("6.06")),
  taxIncluded: some(true),
});

export function order(id, when) {
  const n = Number(id);
  const some = someOf(n);
  return {
    id,
    number: `N-${id}`,
    basket: some("basket"),
    aliases: [fact("alias", id)],
    sellerReference: some("reference"),
    site: some("NZ"),
    related: [{ order: "related", kind: kinship(n) }],
    state: state(n),
    nativeState: "native order",
    reason: some("reason"),
    holds: holds(n, when),
    allowed: some(ACTIONS),
    fulfilledBy: fulfiller(n),
    placedAt: when,
    updatedAt: some(when),
    closedAt: some(when),
    shipBy: some(window),
    deliverBy: some(window),
    currency: "AUD",
    totals: totals(some),
    taxes: [tax(n)],
    discounts: discounts(some),
    charges: charges(some),
    costs: costs(some),
    payment: { state: payment(n), method: some("card"), reference: some("PAY-1"), paidAt: some(when) },
    buyer: buyer(n, some),
    billTo: some(address("bill")),
    delivery: delivery(n),
    gift: some(gift),
    buyerNote: some("ring twice"),
    marketplaceNote: some("fragile"),
    invoiceRequired: some(true),
    lines: [line(n, when), line(n + 1, when)],
    parcels: [parcel(n, when)],
    adjustments: [adjustment(n, when)],
    cancelAsks: [ask(n, some, when)],
    facts: [fact("order", id)],
  };
}
