// Writes src/contract.js from the contract's WIT, so that the SDK can name what is wrong with a record. A component of
// QuickJS otherwise only says `unreachable`.
//
//     npm run contract

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => new URL(path, import.meta.url);

/** `ship-by` as JavaScript writes it. */
const camel = (name) => name.replace(/-([a-z0-9])/g, (_, letter) => letter.toUpperCase());

/** Splits at commas that are not inside `<...>` or `(...)`. */
function parts(text) {
  const found = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    if ("<(".includes(text[at])) depth++;
    if (">)".includes(text[at])) depth--;
    if (text[at] === "," && depth === 0) {
      found.push(text.slice(from, at));
      from = at + 1;
    }
  }
  found.push(text.slice(from));
  return found.map((part) => part.trim()).filter((part) => part !== "");
}

/** `name: type` with the type as the WIT writes it, without blanks. */
function member(text) {
  const colon = text.indexOf(":");
  return [text.slice(0, colon).trim().replace(/^%/, ""), text.slice(colon + 1).replace(/\s+/g, "")];
}

function declaration(kind, body) {
  if (kind === "record") {
    return { record: Object.fromEntries(parts(body).map(member).map(([name, type]) => [camel(name), type])) };
  }
  if (kind === "enum") return { enum: parts(body) };
  const cases = parts(body).map((part) => {
    const payload = part.match(/^([a-z0-9-]+)\s*\((.*)\)$/s);
    return payload ? [payload[1], payload[2].replace(/\s+/g, "")] : [part, null];
  });
  return { variant: Object.fromEntries(cases) };
}

/** The types of each interface of WIT sources, and what its functions answer. */
export function read(sources) {
  const interfaces = {};
  for (const source of sources) {
    const wit = source.replace(/\/\/.*$/gm, "");
    for (const [, name, body] of wit.matchAll(/\binterface ([a-z-]+) \{(.*?)^\}/gms)) {
      const found = (interfaces[name] = { types: {}, results: {} });
      for (const [, type, alias] of body.matchAll(/\btype ([a-z-]+) = (.*?);/g)) {
        found.types[type] = { alias };
      }
      for (const [, kind, type, inner] of body.matchAll(/\b(record|variant|enum) ([a-z-]+) \{(.*?)\}/gs)) {
        found.types[type] = declaration(kind, inner);
      }
      for (const [, call, type] of body.matchAll(/%?([a-z-]+): func\(.*?\) -> ([^;]+);/gs)) {
        const result = type.replace(/\s+/g, "").match(/^result<(.*),(fault|string)>$/);
        if (result) found.results[camel(call)] = { ok: result[1], err: result[2] };
      }
    }
  }
  return interfaces;
}

/** The text of src/contract.js. */
export function text() {
  const wit = ["types", "connector", "extra"].map((name) => readFileSync(here(`../../../wit/${name}.wit`), "utf8"));
  const lines = (record) =>
    Object.entries(record)
      .map(([name, value]) => `      ${JSON.stringify(name)}: ${JSON.stringify(value)},\n`)
      .join("");
  const interfaces = Object.entries(read(wit)).map(
    ([name, { types, results }]) =>
      `  ${JSON.stringify(name)}: {\n    types: {\n${lines(types)}    },\n    results: {\n${lines(results)}    },\n  },\n`,
  );
  return `// Written by tools/contract.js from the WIT; do not edit.

/** By interface: its types, and what each function answers. */
export const CONTRACT = {
${interfaces.join("")}};
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(here("../src/contract.js"), text());
}
