// Requests to the marketplace, and what statuses and error bodies mean.
//
// | Status | A read | A write |
// |---|---|---|
// | 401 | auth | auth |
// | 403 | denied | denied |
// | 404, 410 | missing | missing |
// | 409 | conflict | conflict |
// | 429 | throttled | throttled |
// | 408, 5xx | unavailable | unknown-outcome, unless `nothingWasApplied` |
// | other 4xx | rejected | rejected |
// | anything else, an unreadable body | protocol | unknown-outcome |

import { send, sendAll } from "lockstep:plugin/http@0.1.0";
import { now } from "lockstep:plugin/session@0.1.0";
import { asked } from "./asked.js";
import { fault, Fault } from "./fault.js";
import { list, object, parseJson, text } from "./json.js";
import { decodeUtf8, encodeUtf8, excerpt } from "./text.js";
import { retryAfter } from "./time.js";

/** How long to wait after a 429 that does not say, in milliseconds. */
const THROTTLED_MS = 60_000;
/** Requests that are handed to the host together: their answers are in memory at once. */
const TOGETHER = 40;

/** Percent-encoded, for a path segment or a query value. */
export function encode(value) {
  return encodeURIComponent(String(value).toWellFormed()).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/**
 * A path with its query: `path("/v1/orders", { limit: 50, id: ["a", "b"] })`. A list adds its name once for each value;
 * what is null or undefined is left out.
 */
export function path(base, query = {}) {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value])
      .filter((one) => one !== null && one !== undefined)
      .map((one) => `${encode(name)}=${encode(one)}`),
  );
  return pairs.length === 0 ? base : `${base}?${pairs.join("&")}`;
}

/**
 * A marketplace, reached through the host. What is particular to its HTTP, all optional:
 *
 * - `credential`: the manifest's slot that requests name; without it they carry no credentials.
 * - `headers`: `{ name: value }` of every request, or a function that gives them.
 * - `refusal(body)`: reads the body of a refusal into `{ code, detail }`.
 * - `nothingWasApplied(status, refusal)`: whether a refused write surely changed nothing (maintenance, say).
 * - `fault(status, refusal, said)`: another fault than the usual one; `said` is what people are told.
 * - `throttledMs`: how long to wait after a 429 that does not say.
 */
export class Http {
  constructor(dialect = {}) {
    this.dialect = dialect;
  }

  /** Reads JSON; an empty body is null. */
  getJson(url) {
    return this.json({ method: "get", url });
  }

  /** Asks with a body and changes nothing: a search by POST, or a query of GraphQL. */
  askJson(method, url, body) {
    return this.json({ method, url, json: body });
  }

  /** Writes JSON. An answer that is missing or unreadable is of unknown outcome. */
  sendJson(method, url, body) {
    return this.json({ method, url, json: body, writes: true });
  }

  /** Reads several things at once: for each, in order, `{ value }` or `{ fault }`. */
  getAllJson(urls) {
    const answers = [];
    for (let from = 0; from < urls.length; from += TOGETHER) {
      const requests = urls.slice(from, from + TOGETHER).map((url) => this.outgoing({ method: "get", url }));
      asked.reads += requests.length;
      const results = sendAll(requests);
      requests.forEach((request, at) => {
        try {
          const result = results[at];
          if (result.tag !== "ok") throw unanswered(request, result.val);
          answers.push({ value: readJson(request, this.accept(request, result.val)) });
        } catch (thrown) {
          if (!(thrown instanceof Fault)) throw thrown;
          answers.push({ fault: thrown });
        }
      });
    }
    return answers;
  }

  /**
   * Sends one request: `{ method, url, json | body, type, headers, writes, credential }`. Answers a response of success,
   * `{ status, headers, body }` with the body as bytes; throws a fault for any other.
   */
  request(wanted) {
    const request = this.outgoing(wanted);
    asked[request.writes ? "writes" : "reads"]++;
    let response;
    try {
      response = send(request);
    } catch (thrown) {
      if (thrown?.payload === undefined) throw thrown;
      throw unanswered(request, thrown.payload);
    }
    return this.accept(request, response);
  }

  json(wanted) {
    return readJson(wanted, this.request(wanted));
  }

  outgoing({ method, url, json, body, type = "application/json", headers = {}, writes = false, credential }) {
    const { dialect } = this;
    const common = typeof dialect.headers === "function" ? dialect.headers() : dialect.headers;
    const all = { accept: "application/json", ...common, ...headers };
    const bytes = json === undefined ? body : encodeUtf8(JSON.stringify(json));
    if (bytes !== undefined) all["content-type"] ??= type;
    return {
      method,
      url,
      headers: Object.entries(all).map(([name, value]) => ({ name, value: String(value) })),
      body: typeof bytes === "string" ? encodeUtf8(bytes) : bytes,
      credential: credential ?? dialect.credential,
      writes,
    };
  }

  accept(request, response) {
    if (response.status >= 200 && response.status <= 299) return response;
    throw this.refused(request, response);
  }

  /** What a status other than success means. */
  refused(request, response) {
    const { dialect } = this;
    const { status } = response;
    const refusal = (dialect.refusal ?? readRefusal)(decodeUtf8(response.body));
    const said = `${label(request)}: ${status} ${refusal.detail ?? ""}`.trimEnd();
    const own = dialect.fault?.(status, refusal, said);
    if (own) return own;
    const wait = retryAfter(header(response, "retry-after"), now());
    const applied = request.writes && !dialect.nothingWasApplied?.(status, refusal);
    if (status === 401) return fault.auth(said);
    if (status === 403) return fault.denied(said);
    if (status === 404 || status === 410) return fault.missing(said);
    if (status === 409) return fault.conflict(said);
    if (status === 429) return fault.throttled(said, wait ?? dialect.throttledMs ?? THROTTLED_MS);
    if (status === 408 || status >= 500) return applied ? fault.unknownOutcome(said) : fault.unavailable(said, wait);
    if (status >= 400) return fault.rejected(said, refusal.code);
    return unreadable(request, said);
  }
}

/** The value of a header, its name in lower case; undefined when the response has none. */
export function header(response, name) {
  return response.headers.find((one) => one.name.toLowerCase() === name)?.value;
}

/** Method and path, without the query, which can be long. */
function label({ method, url }) {
  return `${method.toUpperCase()} ${url.split("?")[0]}`;
}

function unreadable(request, said) {
  return request.writes ? fault.unknownOutcome(said) : fault.protocol(said);
}

/** Why there is no answer, as a fault. */
function unanswered(request, error) {
  const said = `${label(request)}: ${error.val}`;
  switch (error.tag) {
    case "forbidden":
      return fault.denied(`${label(request)}: the host refuses it: ${error.val}`);
    case "auth":
      return fault.auth(said);
    case "unavailable":
      return fault.unavailable(said);
    case "outcome-unknown":
      return fault.unknownOutcome(said);
    case "too-large":
      return unreadable(request, `${label(request)}: the answer is longer than ${error.val} bytes`);
    default:
      return unreadable(request, said);
  }
}

function readJson(request, response) {
  const trimmed = decodeUtf8(response.body).trim();
  if (trimmed === "") return null;
  try {
    return parseJson(trimmed);
  } catch (error) {
    throw unreadable(
      request,
      `${label(request)}: the answer (${response.status}) is not JSON (${error.message}): ${excerpt(trimmed)}`,
    );
  }
}

/**
 * Reads a refusal in the shapes that JSON APIs use: a list of `errors`, an `error` of its own, or a lone member with
 * the words. A page of HTML is told by its title, anything else by its beginning.
 */
export function readRefusal(body) {
  const trimmed = body.trim();
  let value;
  try {
    value = object(parseJson(trimmed));
  } catch {
    const title = trimmed.startsWith("<") && /<title>([^]*?)<\/title>/i.exec(trimmed)?.[1];
    return { detail: title ? `a page titled "${excerpt(title)}"` : excerpt(trimmed) };
  }
  const errors = [...list(value.errors), value.error].filter((one) => one !== undefined && one !== null);
  const first = (of, names) => names.map((name) => text(object(of)[name])).find((one) => one !== undefined);
  const words = (of) => first(of, ["detail", "message", "error_description", "error", "title"]);
  const code = (of) => first(of, ["code", "errorCode", "error_code"]);
  const told = errors.map((error) => words(error) ?? text(error)).filter((one) => one !== undefined);
  return {
    code: code(value) ?? errors.map(code).find((one) => one !== undefined),
    detail: excerpt(told.length > 0 ? told.join("; ") : (words(value) ?? "")),
  };
}
