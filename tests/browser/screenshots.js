// Takes the pictures of the guides, of a day in which every kind of thing happens: docs/pages.
import { mkdir } from "node:fs/promises";
import { chromium as browsers } from "@playwright/test";
import { KEY, World, chromium } from "./world.js";

const OUT = new URL("../../docs/pages/", import.meta.url).pathname;
const WIDE = { width: 1280, height: 800 };

async function until(what, holds) {
  for (let i = 0; i < 120; i++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error(`waited too long until ${what}`);
}

await mkdir(OUT, { recursive: true });
const browser = await browsers.launch(chromium());
// Before the first sync: what a new merchant sees.
let world = await World.begin({ skus: 120 });
const { outside } = world;
await world.cli("user", "add", "admin", "--role", "admin");
await world.cli("shop", "add", "kestrel", "--base-url", outside.shopify, "--client-id", outside.clientId, "--allow-local");
await world.run();

async function signedIn(options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  await world.signIn(page, "admin");
  return page;
}

async function shoot(page, path, name, whole = false) {
  await page.goto(world.url + path);
  await page.waitForTimeout(800);
  await page.screenshot({ path: `${OUT}${name}.png`, fullPage: whole });
  console.log(`docs/pages/${name}.png`);
}

let page = await signedIn({ viewport: WIDE, colorScheme: "light" });
await shoot(page, "/set-up", "set-up");
await shoot(page, "/set-up/channel?shop=kestrel&plugin=the-iconic", "add-channel", true);
await world.cli("channel", "add", KEY, "--plugin", "the-iconic", "--base-url", outside.seller,
  "--client-id", outside.applicationId, "--allow-local", "--set", "buffer=1", "--set", "late-fee=20", ...World.haste);
await world.control("switches/shopify", { index_lag_ms: 0 });
await page.goto(`${world.url}/channels/${KEY}/plan`);
await page.getByRole("button", { name: "Approve and begin" }).waitFor({ timeout: 60_000 });
await shoot(page, `/channels/${KEY}/plan`, "plan");
await world.cli("approve", KEY);
await world.cli("extra", "add", KEY, "channel-line-item");

// A day at work.
const numbers = [];
for (const pieces of [1, 3, 2, 1, 1, 2]) {
  numbers.push((await world.control("buy", { pieces })).order.number);
}
await world.control("buy", { pieces: 1, payment_pending: true });
await world.control("sell");
const state = () => world.control("state", undefined, "GET");
await until("the orders are in the shop", async () => (await state()).shopify.orders >= 7);
await world.control("pack", { order: numbers[0], packing: "whole" });
await world.control("pack", { order: numbers[1], packing: "two-parcels" });
await world.control("pack", { order: numbers[2], packing: "tracking-later" });
await world.control("cancel", { order: numbers[3], side: "seller-center" });
await new Promise((resolve) => setTimeout(resolve, 12_000));
const order = (await state()).seller_center.newest_orders.find((o) => o.number === numbers[1]);
const sku = order.items[0].sku;

const pages = [
  ["/", "overview"],
  ["/orders", "orders"],
  [`/orders/${KEY}/${order.id}`, "order", true],
  ["/products", "products"],
  [`/products/kestrel/${encodeURIComponent(sku)}`, "product", true],
  [`/channels/${KEY}`, "channel"],
  ["/plugins", "plugins"],
  ["/plugins/the-iconic", "plugin"],
  ["/activity", "activity"],
  ["/settings", "settings"],
];
for (const [path, name, whole] of pages) await shoot(page, path, name, whole);
page = await signedIn({ viewport: { width: 375, height: 812 }, colorScheme: "dark", deviceScaleFactor: 2 });
await shoot(page, "/", "overview-phone");
// The channel refuses the credentials: somebody must act.
await world.control("faults/seller-center", { fault: { kind: "unauthorized" } });
page = await signedIn({ viewport: WIDE, colorScheme: "light" });
await page.goto(`${world.url}/activity/alerts`);
await page.getByText("The channel is parked").first().waitFor({ timeout: 60_000 });
await shoot(page, "/activity/alerts", "alerts");
await browser.close();
await world.end();
