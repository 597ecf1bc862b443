// Practice Market's dialect of HTTP, and what all its lists have in common.

import { exact, fault, Http, object, path } from "../../sdk-js/src/index.js";

/** Most rows of a page. */
const PAGE = 200;

export const market = new Http({
  // A slot of plugin.toml. The connector names it, and never sees what is in it.
  credential: "api",
  // A write that meets maintenance is not carried out. Without this, a 503 to a write leaves open whether it was.
  nothingWasApplied: (status, refusal) => status === 503 && refusal.code === "maintenance",
});

/** A page of a list: its rows, and where it goes on. */
export function page(base, name, query, cursor) {
  const answer = market.getJson(path(base, { ...query, limit: PAGE, cursor }));
  return { rows: rows(answer, name), next: exact(answer.next) };
}

/** Rows found by a parameter that is given once for each value, so many of them in a request. */
export function lookUp(base, name, parameter, values, atOnce) {
  const urls = [];
  for (let from = 0; from < values.length; from += atOnce) {
    urls.push(path(base, { [parameter]: values.slice(from, from + atOnce) }));
  }
  // The host sends them together, as fast as the rate in plugin.toml allows.
  return market.getAllJson(urls).flatMap((answer) => {
    if (answer.fault) throw answer.fault;
    return rows(answer.value, name);
  });
}

/** The rows of a list, under their name. An answer without them is none of this API's. */
export function rows(answer, name) {
  const list = object(answer)[name];
  if (!Array.isArray(list)) throw fault.protocol(`the answer has no list "${name}": ${JSON.stringify(answer)?.slice(0, 200)}`);
  return list.map(object);
}
