// Stands in for `lockstep:plugin/http`.

import { current } from "./fake.js";

export function send(request) {
  return current().answer(request);
}

export function sendAll(requests) {
  return requests.map((request) => {
    try {
      return { tag: "ok", val: send(request) };
    } catch (thrown) {
      if (!thrown.payload) throw thrown;
      return { tag: "err", val: thrown.payload };
    }
  });
}
