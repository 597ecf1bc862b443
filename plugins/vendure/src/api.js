// Vendure's Admin API: one address, GraphQL, refusals that come with status 200.

import { setting } from "lockstep:plugin/session@0.1.0";
import { fault, Http, list, object, text } from "../../sdk-js/src/index.js";

const http = new Http({
  credential: "api",
  headers() {
    const token = text(setting("channel-token"));
    return token ? { "vendure-token": token } : {};
  },
});

/** Results of a mutation that say: the thing is in another state than was thought. */
const CONFLICTS = new Set([
  "CANCEL_ACTIVE_ORDER_ERROR",
  "FULFILLMENT_STATE_TRANSITION_ERROR",
  "ITEMS_ALREADY_FULFILLED_ERROR",
  "ORDER_STATE_TRANSITION_ERROR",
  "QUANTITY_TOO_GREAT_ERROR",
]);

/** Asks, and answers `data`. */
export function query(document, variables = {}) {
  return data(http.askJson("post", path(), { query: document, variables }), false);
}

/** Runs a mutation of one field, and answers that field. A result that is an error is thrown as a fault. */
export function mutate(document, variables) {
  const answer = data(http.sendJson("post", path(), { query: document, variables }), true);
  const result = Object.values(answer)[0];
  const code = text(result?.errorCode);
  if (code === undefined) return result;
  const detail = [result.message, result.transitionError].map(text).filter((one) => one !== undefined).join(": ");
  // The next number that is written mends it, so it is worth another try.
  if (code === "INSUFFICIENT_STOCK_ON_HAND_ERROR") {
    throw fault.other(`${detail} (${text(result.productVariantName) ?? "?"} has ${result.stockOnHand} on hand)`);
  }
  throw CONFLICTS.has(code) ? fault.conflict(`${code}: ${detail}`) : fault.rejected(detail, code);
}

function path() {
  const given = text(setting("api-path")) ?? "/admin-api";
  return given.startsWith("/") ? given : `/${given}`;
}

function data(answer, writes) {
  const [error] = list(object(answer).errors);
  if (error === undefined && object(answer).data) return answer.data;
  const detail = text(error?.message) ?? "an answer without data and without errors";
  const code = text(error?.extensions?.code);
  switch (code) {
    case "FORBIDDEN":
    case "UNAUTHORIZED":
      throw refused(detail, list(error.path).join("."));
    case "CHANNEL_NOT_FOUND":
      throw fault.denied(`the setting channel-token names no channel of this server: ${detail}`);
    case "ENTITY_NOT_FOUND":
      throw fault.missing(detail);
    case undefined:
    case "INTERNAL_SERVER_ERROR":
      throw writes ? fault.unknownOutcome(detail) : fault.unavailable(detail);
    default:
      throw fault.rejected(detail, code);
  }
}

/** Vendure has one answer for a key that it does not know and for a key that may not: another question tells them apart. */
function refused(detail, where) {
  const answer = http.askJson("post", path(), { query: "{ activeChannel { id } }" });
  return object(object(answer).data).activeChannel
    ? fault.denied(`the role of the API key lacks a permission (${where}): ${detail}`)
    : fault.auth(`Vendure does not know the API key: ${detail}`);
}
