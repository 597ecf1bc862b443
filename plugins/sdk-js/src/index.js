// For authors of Lockstep plugins in JavaScript: import from here.

export { Fault, fault } from "./fault.js";
export { encode, header, Http, path, readRefusal } from "./http.js";
export { implement } from "./implement.js";
export { count, exact, flag, list, object, parseJson, text } from "./json.js";
export { decimal, money, moneyFromMinor } from "./money.js";
export { decodeUtf8, encodeUtf8, excerpt } from "./text.js";
export { instant, milliseconds } from "./time.js";
