// A host that answers from a script and notes what was sent.

import assert from "node:assert/strict";

let running;

/** The fake of the running test. */
export function current() {
  assert.ok(running, "a test makes a Fake before it calls the plugin");
  return running;
}

/**
 * A scripted host. Requests must come in the order of the script, and all of them; each must name the credential slot,
 * and say that it writes unless it is a GET or was declared with `asks`. Anything else fails the test.
 *
 *     const fake = new Fake("api").on("GET /v1/account", 200, { id: 7 });
 *     assert.equal(about.identify().id, "7");
 *     fake.finish();
 */
export class Fake {
  constructor(slot, { settings = {}, now = "2026-03-09T00:00:00.000Z" } = {}) {
    Object.assign(this, { slot, settings, now, script: [], reading: [], sent: [], log: [], failures: [] });
    running = this;
  }

  /** Requests that begin like this only read, though they are no GET. */
  asks(begins) {
    this.reading.push(begins);
    return this;
  }

  /** Answers the next request, which must begin with this method and URL. The body is text, bytes, or becomes JSON. */
  on(begins, status, body = "", headers = {}) {
    const bytes = body instanceof Uint8Array ? body : new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
    const named = Object.entries(headers).map(([name, value]) => ({ name, value }));
    this.script.push({ begins, response: { status, headers: named, body: bytes } });
    return this;
  }

  /** Gives no answer: `tag` and `val` are those of the contract's `http.error`. */
  fails(begins, tag, val) {
    this.script.push({ begins, error: { tag, val } });
    return this;
  }

  /** The JSON body of a request that was sent, the first by default. */
  body(at = 0) {
    return JSON.parse(new TextDecoder().decode(this.sent[at].body));
  }

  /** Fails the test when requests were not those of the script. */
  finish() {
    if (this.failures.length > 0) throw this.failures[0];
    assert.deepEqual(this.script.map((line) => line.begins), [], "requests that were not made");
  }

  answer(request) {
    const shown = `${request.method.toUpperCase()} ${request.url}`;
    const line = this.script.shift();
    this.sent.push(request);
    try {
      this.check(shown, request, line);
    } catch (failure) {
      // The plugin may take it for an answer of the marketplace.
      this.failures.push(failure);
      throw failure;
    }
    if (line.error) throw Object.assign(new Error(shown), { payload: line.error });
    return line.response;
  }

  check(shown, request, line) {
    assert.ok(line, `${shown}: the script has ended`);
    assert.ok(shown.startsWith(line.begins), `${shown} instead of ${line.begins}`);
    assert.equal(request.credential, this.slot, `${shown}: credential slot`);
    const reads = request.method === "get" || this.reading.some((begins) => shown.startsWith(begins));
    assert.equal(request.writes, !reads, `${shown}: writes`);
  }
}
