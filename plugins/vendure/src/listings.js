// Variants of products are what is listed.

import { count, exact, implement, instant, list, moneyFromMinor, text } from "../../sdk-js/src/index.js";
import { query } from "./api.js";
import { location, LOCATIONS } from "./location.js";

/** A fifth of what a server gives at once unless it is configured otherwise. */
const PAGE = 200;

const VARIANTS = `query ($options: ProductVariantListOptions!) {
  ${LOCATIONS}
  globalSettings { trackInventory outOfStockThreshold serverConfig { moneyStrategyPrecision } }
  productVariants(options: $options) {
    totalItems
    items {
      id sku name enabled updatedAt trackInventory outOfStockThreshold useGlobalOutOfStockThreshold
      priceWithTax currencyCode
      stockLevels { stockLocationId stockOnHand stockAllocated }
      product { id enabled }
    }
  }
}`;

/** The fact of a listing that says which stock location its number belongs to. */
export const LOCATION_FACT = "stock-location";

export const listings = implement("listings", {
  page(cursor) {
    const skip = count(cursor) ?? 0;
    const { total, found } = variants({ skip, take: PAGE, sort: { id: "ASC" } });
    const next = skip + found.length;
    return { listings: found, next: found.length > 0 && next < total ? String(next) : undefined };
  },

  byId(ids) {
    return ids.length === 0 ? [] : variants({ take: ids.length, filter: { id: { in: ids } } }).found;
  },

  bySku(skus) {
    if (skus.length === 0) return [];
    // Databases compare without regard to case, and a SKU may be there more than once.
    const { found } = variants({ take: PAGE + skus.length, filter: { sku: { in: skus } } });
    return found.filter((one) => skus.includes(one.sku));
  },
});

function variants(options) {
  const answer = query(VARIANTS, { options });
  const about = { location: location(answer), settings: answer.globalSettings };
  const { items, totalItems } = answer.productVariants;
  return { total: totalItems, found: list(items).map((variant) => listing(variant, about)) };
}

function listing(variant, { location, settings }) {
  const level = list(variant.stockLevels).find((one) => one.stockLocationId === location);
  const onHand = level?.stockOnHand ?? 0;
  const allocated = level?.stockAllocated ?? 0;
  const threshold = variant.useGlobalOutOfStockThreshold ? settings.outOfStockThreshold : variant.outOfStockThreshold;
  const tracked = variant.trackInventory === "TRUE" || (variant.trackInventory === "INHERIT" && settings.trackInventory);
  const enabled = variant.enabled && variant.product?.enabled !== false;
  const reasons = [
    enabled ? undefined : "disabled in Vendure",
    tracked ? undefined : "Vendure does not track its stock, and sells it whatever the number",
  ];
  const facts = [{ key: LOCATION_FACT, value: location }];
  if (threshold) facts.push({ key: "out-of-stock-threshold", value: String(threshold) });
  return {
    id: variant.id,
    parent: text(variant.product?.id),
    sku: exact(variant.sku),
    title: variant.name,
    state: enabled ? "buyable" : "unbuyable",
    reasons: reasons.filter((one) => one !== undefined),
    // Both may be negative in Vendure: more was sold than there was.
    quantity: Math.max(onHand, 0),
    reserved: Math.max(allocated, 0),
    buyable: onHand - allocated - threshold,
    price: moneyFromMinor(variant.priceWithTax, settings.serverConfig.moneyStrategyPrecision, variant.currencyCode),
    updatedAt: instant(variant.updatedAt),
    facts,
  };
}
