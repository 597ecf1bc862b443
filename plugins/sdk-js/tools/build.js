// Builds the component of the connector in the current folder, whose world is in `wit/`:
//
//     node ../sdk-js/tools/build.js src/main.js build/name.wasm
//
// It is this command of componentize-qjs:
//
//     componentize-qjs --wit wit --js src/main.js --module-root .. --world connector --sync --stub-wasi --output ...

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";

const [entry, output] = process.argv.slice(2);
if (!output) throw new Error("usage: build.js src/main.js build/name.wasm, in the connector's folder");

const { componentize } = await import("componentize-qjs").catch((error) => {
  if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
  console.error("componentize-qjs is not installed; run: npm ci --prefix ../sdk-js");
  process.exit(1);
});

const { component } = await componentize({
  witPath: resolve("wit"),
  jsSource: readFileSync(entry, "utf8"),
  jsPath: resolve(entry),
  // Imports may reach the SDK beside the connector.
  moduleRoot: resolve(".."),
  world: "connector",
  // The contract's functions are synchronous.
  sync: true,
  // Nothing is asked of the system: the contract gives time and random numbers.
  stubWasi: true,
});
mkdirSync(dirname(output), { recursive: true });
writeFileSync(output, component);
console.log(`${output}: ${component.length} bytes`);
