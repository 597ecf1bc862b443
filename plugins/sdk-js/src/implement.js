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

/** Something in an answer that does not fit the contract; the message names the place. */
export class Misfit extends TypeError {
  /** The same, seen from the record or list around it. */
  within(place) {
    this.message = place + this.message;
    return this;
  }
}

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
  const fit = ok === "_" ? () => undefined : fitter(name, ok);
  return (...given) => {
    Object.assign(asked, { reads: 0, writes: 0 });
    try {
      return fit(run(...given));
    } catch (thrown) {
      const said = thrown instanceof Misfit ? thrown.within(call) : thrown;
      // Extras answer words instead of faults.
      if (err === "string") throw typeof said === "string" ? said : `${call}: ${said}`;
      // The bindings take a plain object for the contract's fault, and die of any Error.
      throw fitFault(said instanceof Fault ? said : unexpected(call, said));
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

// A fitter takes a value and answers it as the contract wants it, completed, or throws a misfit. Fitters are made while
// the component is built, so that a call finds them ready.

const fitters = new Map();

/** The fitter of a type as an interface writes it. */
function fitter(name, type) {
  const key = `${name} ${type}`;
  if (!fitters.has(key)) fitters.set(key, make(name, type));
  return fitters.get(key);
}

function make(name, type) {
  const generic = /^([a-z]+)<(.*)>$/.exec(type);
  if (generic) return makeGeneric(name, generic[1], generic[2]);
  if (type === "string") return checked((value) => typeof value === "string", "text");
  if (type === "bool") return (value) => (value === undefined ? false : typeof value === "boolean" ? value : refuse("a flag", value));
  if (type in NUMBERS) {
    const [least, most] = NUMBERS[type];
    return checked((value) => Number.isInteger(value) && value >= least && value <= most, `a whole number from ${least} to ${most}`);
  }
  const declared = CONTRACT[name].types[type] ?? CONTRACT.types.types[type];
  if (declared.alias) return fitter(name, declared.alias);
  const fit = declared.enum
    ? checked((value) => declared.enum.includes(value), `one of ${declared.enum.join(", ")}`)
    : declared.variant
      ? makeVariant(name, declared.variant)
      : makeRecord(name, declared.record);
  const usual = EMPTY.has(type) ? {} : USUAL[type];
  return usual === undefined ? fit : (value) => fit(value === undefined ? usual : value);
}

function makeGeneric(name, kind, inner) {
  if (kind === "option") {
    const fit = fitter(name, inner);
    return (value) => (value === undefined || value === null ? undefined : fit(value));
  }
  if (kind === "tuple") {
    const parts = inner.split(",").map((type) => fitter(name, type));
    return (value) => {
      if (!Array.isArray(value) || value.length !== parts.length) refuse(`${parts.length} values`, value);
      return value.map((one, index) => parts[index](one));
    };
  }
  if (inner === "u8") return checked((value) => value instanceof Uint8Array, "bytes");
  const fit = fitter(name, inner);
  return (value) => {
    if (value === undefined) return [];
    if (!Array.isArray(value)) refuse("a list", value);
    let index = 0;
    try {
      const whole = new Array(value.length);
      for (; index < value.length; index++) whole[index] = fit(value[index]);
      return whole;
    } catch (thrown) {
      throw thrown instanceof Misfit ? thrown.within(`[${index}]`) : thrown;
    }
  };
}

function makeVariant(name, cases) {
  const payloads = new Map(Object.entries(cases).map(([tag, type]) => [tag, type && fitter(name, type)]));
  const wanted = `one of the cases ${[...payloads.keys()].join(", ")}`;
  return (value) => {
    const tag = typeof value === "string" ? value : value?.tag;
    const fit = payloads.get(tag);
    if (fit === undefined) refuse(wanted, value);
    if (fit === null) return { tag };
    try {
      return { tag, val: fit(value.val) };
    } catch (thrown) {
      throw thrown instanceof Misfit ? thrown.within(`.${tag}`) : thrown;
    }
  };
}

function makeRecord(name, members) {
  const keys = Object.keys(members);
  const known = new Set(keys);
  const parts = keys.map((key) => fitter(name, members[key]));
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) refuse("a record", value);
    for (const key in value) {
      if (!known.has(key)) throw new Misfit(`: there is no member ${key}; there are ${keys.join(", ")}`);
    }
    const whole = {};
    let at = 0;
    try {
      for (; at < keys.length; at++) {
        const one = parts[at](value[keys[at]]);
        // What is none is left out: the bindings read it the same.
        if (one !== undefined) whole[keys[at]] = one;
      }
      return whole;
    } catch (thrown) {
      throw thrown instanceof Misfit ? thrown.within(`.${keys[at]}`) : thrown;
    }
  };
}

function checked(fits, wanted) {
  return (value) => (fits(value) ? value : refuse(wanted, value));
}

function refuse(wanted, value) {
  throw new Misfit(` must be ${wanted}, not ${value === undefined ? "left out" : JSON.stringify(value)}`);
}

const fitFault = fitter("types", "fault");
