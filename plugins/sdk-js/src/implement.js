// The last thing between a plugin's functions and the host: it completes and checks what they answer, and turns what
// they throw into faults. Without it a forgotten list or a misspelt case ends the call with a bare `unreachable`.

import { log } from "lockstep:plugin/session@0.1.0";
import { asked } from "./asked.js";
import { CONTRACT } from "./contract.js";
import { fault, Fault } from "./fault.js";

/** What stands where a connector leaves a member out. Lists are empty, flags false, options none. */
const USUAL = {
  cover: "ordered",
  "delivery-mode": { tag: "home" },
  "email-kind": "unknown",
  fulfiller: { tag: "seller" },
  "line-kind": { tag: "goods" },
  "listing-state": { tag: "buyable" },
  "payment-state": { tag: "paid" },
  side: "unknown",
  stage: { tag: "created" },
  state: { tag: "open" },
};

/** Records that may be left out as a whole: all of their members may. */
const EMPTY = new Set(["buyer", "delivery", "payment", "totals"]);

const NUMBERS = { u8: [0, 0xff], u16: [0, 0xffff], u32: [0, 0xffffffff], s32: [-0x80000000, 0x7fffffff] };

const FAULTS = CONTRACT.types.types.fault.variant;

/** Something in an answer that does not fit the contract; the text names the place. */
export class Misfit extends TypeError {}

/**
 * The functions of one interface of the contract, to be exported under its name: `export const orders =
 * implement("orders", { changed(since, cursor) { ... }, byId(ids) { ... } })`. Members of answers that have a usual
 * value may be left out; a variant without payload may be written as its name alone.
 */
export function implement(name, functions) {
  const { results } = CONTRACT[name];
  const unknown = Object.keys(functions).find((key) => !(key in results));
  if (unknown) throw new Misfit(`${name} has no function ${unknown}`);
  return Object.fromEntries(
    Object.entries(results).map(([key, result]) => {
      if (!functions[key]) throw new Misfit(`${name} lacks the function ${key}`);
      return [key, guarded(name, `${name}.${key}`, result, functions[key].bind(functions))];
    }),
  );
}

function guarded(name, call, { ok, err }, run) {
  return (...given) => {
    Object.assign(asked, { reads: 0, writes: 0 });
    try {
      const answer = run(...given);
      return ok === "_" ? undefined : fit(ok, answer, name, call);
    } catch (thrown) {
      // Extras answer words instead of faults.
      if (err === "string") throw typeof thrown === "string" ? thrown : `${call}: ${thrown}`;
      const { tag, val } = thrown instanceof Fault ? thrown : unexpected(call, thrown);
      // The bindings take a plain object for the contract's fault, and die of any Error.
      throw { tag, val: fit(FAULTS[tag], val) };
    }
  };
}

/** What an exception that nobody foresaw means to the host: most come from answers of another shape than expected. */
function unexpected(call, thrown) {
  const said = `${call}: ${thrown}`;
  log("error", `${said}\n${thrown?.stack ?? ""}`);
  if (asked.writes > 0) return fault.unknownOutcome(said);
  return asked.reads > 0 ? fault.protocol(said) : fault.other(said);
}

/** A value as the contract wants it, completed. Throws a misfit that names the place. */
export function fit(type, value, name = "types", at = type) {
  const generic = /^([a-z]+)<(.*)>$/.exec(type);
  if (generic) return fitGeneric(generic[1], generic[2], value, name, at);
  if (type === "string") return expect(typeof value === "string", "text", value, at);
  if (type === "bool") return expect(value === undefined || typeof value === "boolean", "a flag", value, at) ?? false;
  if (type in NUMBERS) {
    const [least, most] = NUMBERS[type];
    return expect(Number.isInteger(value) && value >= least && value <= most, `a whole number from ${least} to ${most}`, value, at);
  }
  const declared = CONTRACT[name].types[type] ?? CONTRACT.types.types[type];
  if (value === undefined && type in USUAL) return USUAL[type];
  if (declared.alias) return fit(declared.alias, value, name, at);
  if (declared.enum) return expect(declared.enum.includes(value), `one of ${declared.enum.join(", ")}`, value, at);
  if (declared.variant) return fitVariant(declared.variant, value, name, at);
  return fitRecord(declared.record, value === undefined && EMPTY.has(type) ? {} : value, name, at);
}

function fitGeneric(kind, inner, value, name, at) {
  if (kind === "option") return value === undefined || value === null ? undefined : fit(inner, value, name, at);
  if (kind === "list") {
    if (value === undefined) return [];
    if (inner === "u8") return expect(value instanceof Uint8Array, "bytes", value, at);
    return expect(Array.isArray(value), "a list", value, at).map((one, index) => fit(inner, one, name, `${at}[${index}]`));
  }
  const types = inner.split(",");
  expect(Array.isArray(value) && value.length === types.length, `${types.length} values`, value, at);
  return types.map((one, index) => fit(one, value[index], name, `${at}[${index}]`));
}

function fitVariant(cases, value, name, at) {
  const { tag, val } = typeof value === "string" ? { tag: value } : (value ?? {});
  expect(Object.hasOwn(cases, tag ?? ""), `one of the cases ${Object.keys(cases).join(", ")}`, value, at);
  return cases[tag] === null ? { tag } : { tag, val: fit(cases[tag], val, name, `${at}.${tag}`) };
}

function fitRecord(members, value, name, at) {
  expect(typeof value === "object" && value !== null && !Array.isArray(value), "a record", value, at);
  for (const key in value) {
    if (!Object.hasOwn(members, key)) throw new Misfit(`${at}: there is no member ${key}; there are ${Object.keys(members).join(", ")}`);
  }
  const whole = {};
  for (const key in members) whole[key] = fit(members[key], value[key], name, `${at}.${key}`);
  return whole;
}

function expect(fits, wanted, value, at) {
  if (!fits) throw new Misfit(`${at} must be ${wanted}, not ${value === undefined ? "left out" : JSON.stringify(value)}`);
  return value;
}
