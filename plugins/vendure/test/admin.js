// A scripted Admin API. One address takes queries and mutations: which of them a request is, its document says, and the
// host must have been told so.

import assert from "node:assert/strict";
import { Fake } from "../../sdk-js/testing/index.js";

export class Admin extends Fake {
  constructor(settings = {}) {
    super("api", { settings });
  }

  /** Answers the next request, whose document must contain `field`. */
  gives(field, data) {
    return this.next(field, 200, { data });
  }

  /** Refuses it as Vendure does: with status 200. */
  refuses(field, code, message, path = []) {
    return this.next(field, 200, { errors: [{ message, path, extensions: { code } }], data: null });
  }

  next(field, status, body) {
    (this.fields ??= []).push(field);
    return this.on("POST /admin-api", status, body);
  }

  check(shown, request, line) {
    const { query } = JSON.parse(new TextDecoder().decode(request.body));
    const field = this.fields?.shift();
    if (field !== undefined) assert.ok(query.includes(field), `${query}\ninstead of ${field}`);
    this.reading = query.startsWith("mutation") ? [] : ["POST"];
    super.check(shown, request, line);
  }

  /** The variables of a request that was sent. */
  variables(at = 0) {
    return this.body(at).variables;
  }

  header(name, at = 0) {
    return this.sent[at].headers.find((one) => one.name === name)?.value;
  }
}

/** What is thrown, as the host gets it. */
export function fault(run) {
  try {
    run();
  } catch (thrown) {
    return thrown;
  }
  return assert.fail("nothing was thrown");
}

export const SETTINGS = { trackInventory: true, outOfStockThreshold: 0, serverConfig: { moneyStrategyPrecision: 2 } };
export const LOCATIONS = { items: [{ id: "1", name: "Default Stock Location" }] };
