export { Fake } from "./fake.js";
