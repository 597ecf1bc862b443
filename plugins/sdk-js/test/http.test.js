import assert from "node:assert/strict";
import { test } from "node:test";
import { fault, header, Http, path, readRefusal } from "../src/index.js";
import { Fake } from "../testing/index.js";

const http = new Http({ credential: "api" });

function caught(run) {
  try {
    run();
  } catch (thrown) {
    return thrown;
  }
  return assert.fail("nothing was thrown");
}

function faultOf(writes, status, body = "", headers = {}) {
  const fake = new Fake("api").on(writes ? "PUT /x" : "GET /x", status, body, headers);
  const thrown = caught(() => (writes ? http.sendJson("put", "/x", { a: 1 }) : http.getJson("/x")));
  fake.finish();
  return thrown;
}

test("each status has its case", () => {
  const cases = { 401: "auth", 403: "denied", 404: "missing", 410: "missing", 409: "conflict", 422: "rejected", 429: "throttled" };
  for (const [status, tag] of Object.entries(cases)) {
    assert.equal(faultOf(false, Number(status)).tag, tag, status);
    assert.equal(faultOf(true, Number(status)).tag, tag, status);
  }
  for (const status of [408, 500, 502, 503, 504]) {
    assert.equal(faultOf(false, status).tag, "unavailable");
    assert.equal(faultOf(true, status).tag, "unknown-outcome");
  }
  assert.equal(faultOf(false, 302).tag, "protocol");
  assert.equal(faultOf(true, 302).tag, "unknown-outcome");
});

test("an answer that is no JSON is in doubt when it was a write", () => {
  const page = "<html><title>Bad gateway</title></html>";
  assert.equal(faultOf(false, 200, page).tag, "protocol");
  assert.equal(faultOf(false, 200, '{"cut').tag, "protocol");
  assert.equal(faultOf(true, 200, '{"cut').tag, "unknown-outcome");
  assert.match(faultOf(false, 502, page).detail, /Bad gateway/);
});

test("waiting is as long as told", () => {
  assert.equal(faultOf(false, 429, "", { "retry-after": "7" }).val.retryAfterMs, 7_000);
  assert.equal(faultOf(false, 429, "", { "retry-after": "Mon, 09 Mar 2026 00:00:05 GMT" }).val.retryAfterMs, 5_000);
  assert.equal(faultOf(false, 429).val.retryAfterMs, 60_000);
  assert.equal(faultOf(false, 503).val.retryAfterMs, undefined);
});

test("what the transport says keeps what is known", () => {
  const fails = (writes, tag, val = "why") => {
    new Fake("api").fails(writes ? "POST" : "GET", tag, val);
    return caught(() => (writes ? http.sendJson("post", "/x", {}) : http.getJson("/x"))).tag;
  };
  assert.equal(fails(true, "outcome-unknown"), "unknown-outcome");
  assert.equal(fails(true, "too-large", 9), "unknown-outcome");
  assert.equal(fails(false, "too-large", 9), "protocol");
  assert.equal(fails(true, "unavailable"), "unavailable");
  assert.equal(fails(false, "forbidden"), "denied");
  assert.equal(fails(false, "auth"), "auth");
});

test("several reads come back in order, each with its own end", () => {
  const fake = new Fake("api").on("GET /a", 200, { a: 1 }).on("GET /b", 404).fails("GET /c", "unavailable", "reset").on("GET /d", 200, "{");
  const [a, b, c, d] = http.getAllJson(["/a", "/b", "/c", "/d"]);
  fake.finish();
  assert.deepEqual(a, { value: { a: 1 } });
  assert.deepEqual([b, c, d].map((one) => one.fault.tag), ["missing", "unavailable", "protocol"]);
});

test("a request carries what it is given", () => {
  const fake = new Fake("api").on("POST /x", 201, { id: "é" }, { "X-Request": "7" });
  const own = new Http({ credential: "api", headers: () => ({ "x-version": 2 }) });
  const response = own.request({ method: "post", url: "/x", json: { name: "Zoë" }, writes: true });
  assert.equal(header(response, "x-request"), "7");
  assert.deepEqual(fake.body(), { name: "Zoë" });
  assert.deepEqual(fake.sent[0].headers, [
    { name: "accept", value: "application/json" },
    { name: "x-version", value: "2" },
    { name: "content-type", value: "application/json" },
  ]);
});

test("a dialect knows better", () => {
  const own = new Http({
    credential: "api",
    nothingWasApplied: (status, refusal) => status === 503 && refusal.code === "maintenance",
    fault: (status, refusal, said) => (refusal.code === "E021" ? fault.other(said) : undefined),
  });
  new Fake("api").on("PUT", 503, { error: { code: "maintenance" } }).on("PUT", 400, { code: "E021" });
  assert.equal(caught(() => own.sendJson("put", "/x", {})).tag, "unavailable");
  assert.equal(caught(() => own.sendJson("put", "/x", {})).tag, "other");
});

test("refusals are read in the usual shapes", () => {
  assert.deepEqual(readRefusal('{"error":{"code":"invalid","message":"no"}}'), { code: "invalid", detail: "no" });
  assert.deepEqual(readRefusal('{"errors":[{"code":"E1","message":"no"},{"detail":"never"},"plain"]}'), { code: "E1", detail: "no; never; plain" });
  assert.deepEqual(readRefusal('{"code":400,"message":"bad"}'), { code: "400", detail: "bad" });
  assert.deepEqual(readRefusal('{"error":"invalid_grant"}'), { code: undefined, detail: "invalid_grant" });
  assert.deepEqual(readRefusal("null"), { code: undefined, detail: "" });
  assert.equal(readRefusal("  ").detail, "");
});

test("queries are encoded", () => {
  assert.equal(path("/v1/x", { id: ["a b", "ü&="], cursor: null, limit: 50 }), "/v1/x?id=a%20b&id=%C3%BC%26%3D&limit=50");
  assert.equal(path("/v1/x"), "/v1/x");
});
