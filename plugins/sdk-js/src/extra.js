// For authors of extras in JavaScript: import from here. Extras have no `http`.

export { implement } from "./implement.js";
export { decimal, money } from "./money.js";
export { instant, milliseconds } from "./time.js";
