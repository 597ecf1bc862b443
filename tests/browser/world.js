// A sandbox of Shopify and THE ICONIC, and the real host beside it, as their users start them.
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { test as base, expect } from "@playwright/test";

const LOCKSTEP = process.env.LOCKSTEP_BIN ?? new URL("../../target/debug/lockstep", import.meta.url).pathname;
export const KEY = "kestrel/the-iconic";

// How Chromium is started: the one that is installed, without what it does behind one's back.
export function chromium() {
  return {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  };
}

// Starts a program and waits until what it has printed fits.
function start(args, env, fits) {
  const child = spawn(LOCKSTEP, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  const ready = new Promise((resolve, reject) => {
    const look = (text) => {
      out += text;
      const found = fits(out);
      if (found) resolve(found);
    };
    child.stdout.on("data", look);
    child.stderr.on("data", look);
    child.on("exit", (code) => reject(new Error(`lockstep ${args.join(" ")} ended with ${code}:\n${out}`)));
  });
  return { child, ready, printed: () => out };
}

async function end(child) {
  if (child.exitCode !== null) return;
  const gone = new Promise((resolve) => child.on("exit", resolve));
  child.kill("SIGTERM");
  await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 10_000))]);
  child.kill("SIGKILL");
}

export class World {
  static async begin({ skus = 120 } = {}) {
    const world = new World();
    world.data = await mkdtemp(join(tmpdir(), "lockstep-browser-"));
    world.sandbox = start(["--json", "sandbox", "--skus", String(skus)], {}, (out) => {
      const told = out.match(/^\{.*\}$/m);
      if (!told) return null;
      const { shopify, seller_center: seller, control } = JSON.parse(told[0]);
      return {
        shopify: shopify.url, clientId: shopify.client_id, shopSecret: shopify.secret,
        seller: seller.url, applicationId: seller.client_id, channelSecret: seller.secret, control,
      };
    });
    world.outside = await world.sandbox.ready;
    await world.cli("init");
    return world;
  }

  // The same, connected, with its first sync approved, and somebody of each role.
  static async inStep(options) {
    const world = await World.begin(options);
    const { outside } = world;
    await world.cli("shop", "add", "kestrel", "--base-url", outside.shopify, "--client-id", outside.clientId, "--allow-local");
    await world.cli("channel", "add", KEY, "--plugin", "the-iconic", "--base-url", outside.seller,
      "--client-id", outside.applicationId, "--allow-local", ...World.haste);
    await world.control("switches/shopify", { index_lag_ms: 0 });
    await world.cli("approve", KEY);
    for (const role of ["viewer", "operator", "admin"]) await world.cli("user", "add", role, "--role", role);
    await world.run();
    await expect.poll(() => world.failing(), { timeout: 60_000 }).toEqual([]);
    return world;
  }

  static haste = ["interval-s=1", "doubt-s=0", "read-back-s=5", "overlap-s=5", "requests-per-second=20"]
    .flatMap((s) => ["--set", s]);
  static password = "correct-horse-battery";

  // A command, as its user types it.
  async cli(...args) {
    const env = {
      ...process.env,
      LOCKSTEP_USER_PASSWORD: World.password,
      LOCKSTEP_SHOP_SECRET: this.outside.shopSecret,
      LOCKSTEP_CHANNEL_SECRET: this.outside.channelSecret,
    };
    const { stdout } = await promisify(execFile)(LOCKSTEP, ["--data", this.data, ...args], { env });
    return stdout;
  }

  // The working host with its pages.
  async run() {
    this.host = start(["--data", this.data, "--json", "run", "--listen", "127.0.0.1:0"], {}, (out) => {
      const line = out.split("\n").find((l) => l.includes("\"pages\""));
      return line ? JSON.parse(line) : null;
    });
    const { pages, first_link } = await this.host.ready;
    this.url = pages;
    this.firstLink = first_link;
  }

  // Plays the world outside.
  async control(path, body, method = "POST") {
    const options = { method };
    if (body !== undefined) options.body = JSON.stringify(body);
    const answer = await fetch(`${this.outside.control}/control/${path}`, options);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`control ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  // What does not hold, read from both sides; nothing when they are in step.
  async failing(query = "") {
    const { checks } = await this.control(`audit?converged=true${query}`, undefined, "GET");
    return checks.filter((c) => !c.ok).map((c) => c.name);
  }

  async signIn(page, role) {
    await page.goto(`${this.url}/sign-in`);
    await page.getByLabel("Name").fill(role);
    await page.getByLabel("Password").fill(World.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Overview");
  }

  async end() {
    if (this.host) await end(this.host.child);
    await end(this.sandbox.child);
    await rm(this.data, { recursive: true, force: true });
  }
}

// A test fails when a page writes an error to the console, or loads anything that is not there.
export const test = base.extend({
  page: async ({ page }, use) => {
    const wrong = [];
    page.on("console", (message) => {
      if (message.type() !== "error") return;
      // What a test asks for on purpose, and gets, is told in the console too.
      if (/status of (401|403|404|409|421|422|429)/.test(message.text())) return;
      wrong.push(`${page.url()}: ${message.text()}`);
    });
    page.on("pageerror", (error) => wrong.push(`${page.url()}: ${error.message}`));
    await use(page);
    expect(wrong, "errors in the console").toEqual([]);
  },
});

export { expect };
