// Written by tools/contract.js from the WIT; do not edit.

/** By interface: its types, and what each function answers. */
export const CONTRACT = {
  "types": {
    types: {
      "instant": {"alias":"string"},
      "money": {"record":{"amount":"string","currency":"string"}},
      "fact": {"record":{"key":"string","value":"string"}},
      "fault": {"variant":{"auth":"string","throttled":"backoff","unavailable":"backoff","unknown-outcome":"string","rejected":"rejection","missing":"string","conflict":"string","protocol":"string","denied":"string","other":"string"}},
      "backoff": {"record":{"retryAfterMs":"option<u32>","detail":"string"}},
      "rejection": {"record":{"code":"option<string>","detail":"string"}},
      "side": {"enum":["seller","marketplace","buyer","unknown"]},
      "fulfiller": {"variant":{"seller":null,"seller-to-hub":"string","marketplace":"string","partner":"string"}},
      "hold": {"variant":{"payment":null,"fraud":null,"acceptance":"option<instant>","address":null,"preorder":"option<instant>","cancellation-asked":null,"other":"string"}},
      "state": {"variant":{"held":null,"open":null,"shipped":null,"delivered":null,"closed":null,"cancelled":null,"refused":null,"delivery-failed":null,"returned":null,"other":"string"}},
      "action": {"variant":{"accept":null,"refuse":null,"pack":null,"ready":null,"ship":null,"correct-tracking":null,"cancel":null,"refund":null,"other":"string"}},
      "window": {"record":{"earliest":"option<instant>","latest":"option<instant>"}},
      "part": {"variant":{"goods":null,"shipping":null,"gift":null,"payment-fee":null,"import-duty":null,"other":"string"}},
      "tax": {"record":{"code":"string","rate":"option<string>","amount":"money","on":"part","included":"option<bool>","collectedBy":"side"}},
      "discount": {"record":{"code":"option<string>","amount":"money","on":"part","sellerShare":"option<money>"}},
      "charge": {"record":{"kind":"part","code":"option<string>","amount":"money"}},
      "cost": {"record":{"code":"string","amount":"money","tax":"option<money>"}},
      "carrier": {"record":{"code":"option<string>","name":"option<string>","url":"option<string>"}},
      "address": {"record":{"name":"option<string>","firstName":"option<string>","lastName":"option<string>","company":"option<string>","lines":"list<string>","suburb":"option<string>","city":"option<string>","region":"option<string>","postcode":"option<string>","country":"option<string>","countryAsGiven":"option<string>","phones":"list<string>","email":"option<string>","instructions":"option<string>","masked":"bool"}},
      "email-kind": {"enum":["none","real","relay","masked","unknown"]},
      "buyer": {"record":{"id":"option<string>","name":"option<string>","company":"option<string>","email":"option<string>","emailKind":"email-kind","phone":"option<string>","locale":"option<string>","purchaseOrder":"option<string>","taxIds":"list<fact>"}},
      "delivery-mode": {"variant":{"home":null,"pickup-point":"string","store":"string","hub":"string","digital":null,"other":"string"}},
      "delivery": {"record":{"mode":"delivery-mode","service":"option<string>","serviceLabel":"option<string>","preset":"option<carrier>","trackingRequired":"option<bool>","labelBy":"side","shipTo":"option<address>","finalTo":"option<address>","labelReference":"option<string>","demands":"list<string>"}},
      "payment-state": {"variant":{"pending":null,"authorized":null,"paid":null,"failed":null,"part-refunded":null,"refunded":null,"not-needed":null,"other":"string"}},
      "payment": {"record":{"state":"payment-state","method":"option<string>","reference":"option<string>","paidAt":"option<instant>"}},
      "gift": {"record":{"message":"option<string>","sender":"option<string>","wrap":"option<string>"}},
      "kinship": {"variant":{"replaces":null,"replaced-by":null,"exchange":null,"service":null,"other":"string"}},
      "relation": {"record":{"order":"string","kind":"kinship"}},
      "adjustment-kind": {"variant":{"cancellation":null,"refund":null,"compensation":null,"other":"string"}},
      "adjustment": {"record":{"id":"string","line":"option<string>","kind":"adjustment-kind","quantity":"option<u32>","goods":"option<money>","shipping":"option<money>","taxes":"list<tax>","reason":"option<string>","by":"side","at":"option<instant>","settled":"option<bool>"}},
      "stage": {"variant":{"created":null,"packed":null,"ready":null,"shipped":null,"delivered":null,"cancelled":null,"other":"string"}},
      "packed": {"record":{"line":"string","quantity":"u32","marks":"list<fact>"}},
      "parcel-seen": {"record":{"id":"option<string>","lines":"list<packed>","carrier":"option<carrier>","tracking":"option<string>","trackingUrl":"option<string>","stage":"stage","nativeStage":"option<string>","shippedAt":"option<instant>"}},
      "cancel-ask": {"record":{"id":"option<string>","by":"side","quantity":"option<u32>","reason":"option<string>","at":"option<instant>","answerBy":"option<instant>"}},
      "cover": {"enum":["ordered","remaining"]},
      "line-kind": {"variant":{"goods":null,"digital":null,"service":null,"other":"string"}},
      "line": {"record":{"id":"string","kind":"line-kind","fold":"option<string>","sku":"option<string>","listing":"option<string>","product":"option<string>","title":"string","choices":"list<fact>","quantity":"u32","cancelled":"u32","shipped":"u32","delivered":"option<u32>","returned":"option<u32>","state":"state","nativeState":"string","reason":"option<string>","allowed":"option<list<action>>","fulfilledBy":"option<fulfiller>","cover":"cover","listUnit":"option<money>","paidUnit":"option<money>","goods":"option<money>","shipping":"option<money>","taxes":"list<tax>","discounts":"list<discount>","charges":"list<charge>","costs":"list<cost>","shipBy":"option<window>","deliverBy":"option<window>","shipFrom":"option<string>","marksRequired":"list<string>","delivery":"option<delivery>","gift":"option<gift>","cancelAsks":"list<cancel-ask>","updatedAt":"option<instant>","facts":"list<fact>"}},
      "totals": {"record":{"goods":"option<money>","shipping":"option<money>","tax":"option<money>","discount":"option<money>","charges":"option<money>","grand":"option<money>","taxIncluded":"option<bool>"}},
      "order": {"record":{"id":"string","number":"string","basket":"option<string>","aliases":"list<fact>","sellerReference":"option<string>","site":"option<string>","related":"list<relation>","state":"state","nativeState":"string","reason":"option<string>","holds":"list<hold>","allowed":"option<list<action>>","fulfilledBy":"fulfiller","placedAt":"instant","updatedAt":"option<instant>","closedAt":"option<instant>","shipBy":"option<window>","deliverBy":"option<window>","currency":"string","totals":"totals","taxes":"list<tax>","discounts":"list<discount>","charges":"list<charge>","costs":"list<cost>","payment":"payment","buyer":"buyer","billTo":"option<address>","delivery":"delivery","gift":"option<gift>","buyerNote":"option<string>","marketplaceNote":"option<string>","invoiceRequired":"option<bool>","lines":"list<line>","parcels":"list<parcel-seen>","adjustments":"list<adjustment>","cancelAsks":"list<cancel-ask>","facts":"list<fact>"}},
      "listing-state": {"variant":{"buyable":null,"unbuyable":null,"ended":null,"pending":null,"other":"string"}},
      "place": {"record":{"location":"string","quantity":"u32"}},
      "listing": {"record":{"id":"string","parent":"option<string>","sku":"option<string>","product":"option<string>","barcodes":"list<string>","title":"string","state":"listing-state","nativeState":"option<string>","reasons":"list<string>","quantity":"option<u32>","reserved":"option<u32>","buyable":"option<s32>","places":"list<place>","fulfilledBy":"fulfiller","price":"option<money>","lot":"option<u32>","least":"option<u32>","most":"option<u32>","sites":"list<string>","updatedAt":"option<instant>","facts":"list<fact>"}},
      "account": {"record":{"id":"string","name":"string","nativeState":"option<string>","selling":"option<bool>","currency":"option<string>","facts":"list<fact>"}},
    },
    results: {
    },
  },
  "about": {
    types: {
    },
    results: {
      "identify": {"ok":"account","err":"fault"},
    },
  },
  "listings": {
    types: {
      "listing-page": {"record":{"listings":"list<listing>","next":"option<string>","waitMs":"option<u32>"}},
    },
    results: {
      "page": {"ok":"listing-page","err":"fault"},
      "byId": {"ok":"list<listing>","err":"fault"},
      "bySku": {"ok":"list<listing>","err":"fault"},
    },
  },
  "stock": {
    types: {
      "level": {"record":{"listing":"string","parent":"option<string>","sku":"option<string>","quantity":"u32","places":"list<place>","facts":"list<fact>"}},
      "outcome": {"variant":{"applied":null,"queued":"string","failed":"fault"}},
      "settlement": {"record":{"done":"option<settled>","pollAfterMs":"option<u32>"}},
      "rest": {"enum":["applied","failed","unknown"]},
      "settled": {"record":{"listed":"list<tuple<string,outcome>>","rest":"rest"}},
    },
    results: {
      "push": {"ok":"list<outcome>","err":"fault"},
      "settle": {"ok":"settlement","err":"fault"},
    },
  },
  "orders": {
    types: {
      "order-page": {"record":{"orders":"list<order>","next":"option<string>","waitMs":"option<u32>"}},
    },
    results: {
      "changed": {"ok":"order-page","err":"fault"},
      "byId": {"ok":"list<order>","err":"fault"},
    },
  },
  "acceptance": {
    types: {
      "decision": {"record":{"line":"string","accepted":"bool","quantity":"u32","reason":"option<string>"}},
    },
    results: {
      "decide": {"ok":"_","err":"fault"},
    },
  },
  "fulfillments": {
    types: {
      "carrier-entry": {"record":{"carrier":"carrier","trackingRequired":"option<bool>","trackingPattern":"option<string>","booksItself":"option<bool>","usable":"bool"}},
      "parcel": {"record":{"id":"string","number":"u32","last":"bool","order":"string","lines":"list<packed>","carrier":"carrier","tracking":"option<string>","trackingUrl":"option<string>","shippedAt":"instant","shipFrom":"option<string>","facts":"list<fact>"}},
      "sent": {"record":{"reached":"stage","marketplaceId":"option<string>","more":"bool"}},
    },
    results: {
      "carriers": {"ok":"list<carrier-entry>","err":"fault"},
      "prepare": {"ok":"sent","err":"fault"},
      "ship": {"ok":"sent","err":"fault"},
    },
  },
  "cancellations": {
    types: {
      "reason-kind": {"variant":{"cancel":null,"refuse":null,"refund":null,"reject-return":null,"other":"string"}},
      "reason-entry": {"record":{"code":"string","label":"string","kind":"reason-kind","outOfStock":"option<bool>","usable":"bool"}},
      "drop": {"record":{"id":"string","order":"string","line":"string","quantity":"u32","paid":"bool","goods":"option<money>","shipping":"option<money>","taxes":"list<tax>","charges":"list<charge>","reason":"string","refundReason":"option<string>","note":"option<string>","answers":"option<string>"}},
      "dropped": {"record":{"lines":"list<packed>"}},
    },
    results: {
      "reasons": {"ok":"list<reason-entry>","err":"fault"},
      "cancel": {"ok":"dropped","err":"fault"},
    },
  },
  "webhooks": {
    types: {
      "subscription": {"record":{"id":"string","url":"string","events":"list<string>","enabled":"bool"}},
      "hint": {"variant":{"order":"string","listing-sku":"string","channel":null,"nothing":null}},
    },
    results: {
      "list": {"ok":"list<subscription>","err":"fault"},
      "ensure": {"ok":"subscription","err":"fault"},
      "remove": {"ok":"_","err":"fault"},
      "parse": {"ok":"list<hint>","err":"fault"},
    },
  },
  "order-edits": {
    types: {
      "draft-line": {"record":{"sku":"option<string>","title":"string","quantity":"u32","price":"money","matched":"bool","properties":"list<fact>"}},
      "shipping": {"record":{"title":"string","code":"option<string>","price":"money"}},
      "draft": {"record":{"channel":"string","channelTitle":"string","number":"string","placedAt":"instant","country":"option<string>","shipTo":"option<address>","service":"option<string>","serviceLabel":"option<string>","buyerNote":"option<string>","giftMessage":"option<string>","currency":"string","taxIncluded":"bool","lines":"list<draft-line>","shipping":"option<shipping>","note":"string","tags":"list<string>","attributes":"list<fact>","facts":"list<fact>"}},
      "new-line": {"record":{"title":"string","quantity":"u32","price":"money","taxable":"bool","properties":"list<fact>"}},
      "new-shipping": {"record":{"title":"option<string>","code":"option<string>","price":"option<money>"}},
      "edit": {"variant":{"add-line":"new-line","set-shipping":"new-shipping","add-tag":"string","add-note":"string","set-attribute":"fact"}},
    },
    results: {
      "edits": {"ok":"list<edit>","err":"string"},
    },
  },
  "stock-edits": {
    types: {
      "position": {"record":{"listing":"string","sku":"string","title":"string","sellable":"u32","facts":"list<fact>"}},
    },
    results: {
      "adjust": {"ok":"list<u32>","err":"string"},
    },
  },
  "bundles": {
    types: {
      "candidate": {"record":{"listing":"string","sku":"string","title":"string","facts":"list<fact>"}},
      "part": {"record":{"sku":"string","quantity":"u32","priceWeight":"u32"}},
    },
    results: {
      "parts": {"ok":"list<list<part>>","err":"string"},
    },
  },
};
