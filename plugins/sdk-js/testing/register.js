// `node --import .../testing/register.js --test`: lets Node load modules that import the host's interfaces. They get
// the scripted host of `fake.js`.

import { register } from "node:module";

register("./hooks.js", import.meta.url);
