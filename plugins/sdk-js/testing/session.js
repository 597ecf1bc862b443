// Stands in for `lockstep:plugin/session`.

import { randomBytes as bytes } from "node:crypto";
import { current } from "./fake.js";

export const channel = () => "kestrel/test";
export const now = () => current().now;
export const setting = (key) => current().settings[key];
export const randomBytes = (count) => new Uint8Array(bytes(Math.min(count, 65_536)));
export const log = (level, message) => void current().log.push(`${level}: ${message}`);
