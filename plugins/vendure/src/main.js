// The connector for Vendure, a shop server of the merchant's own.

export { about } from "./about.js";
export { cancellations } from "./cancellations.js";
export { fulfillments } from "./fulfillments.js";
export { listings } from "./listings.js";
export { orders } from "./orders.js";
export { stock } from "./stock.js";
