// What this connector asks of its marketplace, and what comes of it: every method, and every way to fail.

import { send, sendAll } from "lockstep:plugin/http@0.1.0";
import { decodeUtf8, encodeUtf8 } from "../../../../plugins/sdk-js/src/index.js";

const request = (method, url, credential, body) => ({
  method,
  url,
  headers: [{ name: "x-mirror", value: "amber" }],
  body: body === undefined ? undefined : encodeUtf8(body),
  credential,
  writes: body !== undefined,
});

function answered({ status, headers, body }) {
  const header = headers.find((h) => h.name === "x-echo")?.value ?? "-";
  return `${status} ${header} ${decodeUtf8(body)}`;
}

function failed({ tag, val }) {
  if (tag === "too-large") return `${tag} ${val}`;
  return tag === "throttled" ? `${tag} ${val > 0}` : tag;
}

/** One after the other. */
export function each() {
  const requests = [
    request("post", "/post?q=1", "api", "Zoë €"),
    request("get", "/rare/1"),
    request("get", "https://elsewhere.example/"),
  ];
  return requests.map((one) => {
    try {
      return answered(send(one));
    } catch (thrown) {
      // The bindings throw the contract's error wrapped, or as it is.
      return failed(thrown.payload ?? thrown);
    }
  });
}

/** All at once. */
export function together() {
  const requests = [
    request("get", "/get"),
    request("put", "/put", "api", "put"),
    request("patch", "/patch", "api", "patch"),
    request("delete", "/delete", "api", ""),
    request("get", "https://elsewhere.example/"),
    request("get", "/get", "oauth"),
    request("get", "/cut"),
    request("post", "/cut", undefined, "cut"),
    request("get", "/big"),
    request("get", "/rare/2"),
  ];
  return sendAll(requests).map(({ tag, val }) => (tag === "ok" ? answered(val) : failed(val)));
}
