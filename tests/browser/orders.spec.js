// An order is bought, seen, packed and tracked; a refused parcel is tried again. Nothing is ever reloaded by hand.
import { KEY, World, expect, test } from "./world.js";

let world;
test.beforeAll(async () => { world = await World.inStep(); });
test.afterAll(() => world?.end());

const state = () => world.control("state", undefined, "GET");

test("bought, seen, packed in two parcels, tracked", async ({ page }) => {
  await world.signIn(page, "operator");
  await page.goto(`${world.url}/orders`);
  await expect(page.locator("#list")).not.toContainText("91400");
  const { order } = await world.control("buy", { pieces: 2 });
  const row = page.getByRole("row").filter({ hasText: order.number });
  await expect(row).toContainText("created", { timeout: 60_000 });
  await row.getByRole("link", { name: order.number }).first().click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`Order ${order.number}`);
  await expect(page.locator("#verdict")).toContainText("The warehouse");
  await world.control("pack", { order: order.number, packing: "two-parcels" });
  await expect(page.locator("#verdict")).toContainText("Nobody", { timeout: 60_000 });
  const parcels = page.locator("#parcels").getByRole("row").filter({ hasText: "done" });
  await expect(parcels).toHaveCount(2);
  // What the page says is what the marketplace has.
  const there = (await state()).seller_center.newest_orders.find((o) => o.number === order.number);
  for (const item of there.items) {
    expect(item.status.toLowerCase()).toContain("shipped");
    await expect(page.locator("#parcels")).toContainText(item.tracking);
  }
  await expect(page.locator("#timeline")).toContainText("OrderCreate");
  await expect(page.locator("#timeline")).toContainText("fulfillments.ship");
  // Told again, twice: the marketplace is asked, and nothing is doubled.
  for (let i = 0; i < 2; i++) {
    await page.locator("#parcels").getByRole("button").first().click();
    await expect(page.locator("#parcels").getByRole("row").filter({ hasText: "done" })).toHaveCount(2, { timeout: 60_000 });
  }
  await expect.poll(() => world.failing(), { timeout: 60_000 }).toEqual([]);
});

test("a parcel that the marketplace refuses is shown, and tried again", async ({ page }) => {
  await world.signIn(page, "operator");
  const { order } = await world.control("buy", { pieces: 1 });
  await expect.poll(async () => (await state()).shopify.newest_orders.some((o) => o.name === order.number), { timeout: 60_000 }).toBe(true);
  await world.control("faults/seller-center", {
    matching: { path_prefix: "/v2/orders/statuses" },
    fault: { kind: "status", status: 400, content_type: "application/json", body: '{"errors": [{"code": "E063", "message": "tracking code refused"}]}' },
  });
  await world.control("pack", { order: order.number, packing: "whole" });
  await page.goto(`${world.url}/orders/${KEY}/${order.id}`);
  await expect(page.locator("#verdict")).toContainText("You", { timeout: 60_000 });
  await expect(page.locator("#parcels")).toContainText("refused");
  await page.goto(world.url);
  await expect(page.locator("#needs")).toContainText("parcel");
  await expect(page.locator("#verdict")).toContainText("needs you");
  await world.control("faults/seller-center", undefined, "DELETE");
  await page.goto(`${world.url}/orders/${KEY}/${order.id}`);
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.locator("#verdict")).toContainText("Nobody", { timeout: 60_000 });
  await expect(page.locator("#parcels")).toContainText("done");
});

test("a viewer sees no customer", async ({ page }) => {
  await world.signIn(page, "viewer");
  const [order] = (await state()).seller_center.newest_orders;
  await page.goto(`${world.url}/orders/${KEY}/${order.id}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`Order ${order.number}`);
  await expect(page.locator("main")).not.toContainText(order.buyer);
  await expect(page.getByRole("button", { name: /Try again|Tell again|Hold/ })).toHaveCount(0);
});
