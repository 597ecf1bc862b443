// From the link that the first start prints to a first sync that was approved.
import { World, expect, test } from "./world.js";

let world;
test.beforeAll(async () => {
  world = await World.begin();
  await world.run();
});
test.afterAll(() => world?.end());

test("from nothing to the first approved sync", async ({ page }) => {
  const { outside } = world;
  await page.goto(world.firstLink);
  await page.getByLabel("Name").fill("ada");
  await page.getByLabel("Password", { exact: true }).fill("short");
  await page.getByLabel("The same again").fill("short");
  await page.getByRole("button", { name: "Begin" }).click();
  // The browser itself refuses what is too short.
  await expect(page.getByRole("heading", { name: "Welcome to Lockstep" })).toBeVisible();
  await page.getByLabel("Password", { exact: true }).fill(World.password);
  await page.getByLabel("The same again").fill(`${World.password}x`);
  await page.getByRole("button", { name: "Begin" }).click();
  await expect(page.getByRole("alert")).toHaveText("The two passwords differ.");
  await page.getByLabel("Password", { exact: true }).fill(World.password);
  await page.getByLabel("The same again").fill(World.password);
  await page.getByRole("button", { name: "Begin" }).click();

  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Set-up");
  await page.getByRole("link", { name: "Connect a store" }).click();
  await page.getByLabel("Domain of the store").fill(outside.shopify);
  await page.getByLabel("Short name").fill("kestrel");
  await page.getByLabel("Client id", { exact: true }).fill(outside.clientId);
  await page.getByLabel("Client secret, or access token").fill("wrong");
  await page.getByText("For a sandbox on this machine").click();
  await page.getByLabel(/Allow plain http/).check();
  await page.getByRole("button", { name: "Check and connect" }).click();
  await expect(page.getByRole("alert")).toContainText("cannot connect to");
  // What was typed is still there, but for the secret.
  await expect(page.getByLabel("Short name")).toHaveValue("kestrel");
  await expect(page.getByLabel("Client secret, or access token")).toHaveValue("");
  await page.getByLabel("Client secret, or access token").fill(outside.shopSecret);
  await page.getByRole("button", { name: "Check and connect" }).click();
  await expect(page.getByRole("status").filter({ hasText: "Connected" })).toContainText("Connected to Kestrel Surf");

  await page.getByRole("link", { name: "Add THE ICONIC" }).click();
  await expect(page.getByText("never sees a secret")).toBeVisible();
  await page.getByLabel("Client or application id").fill(outside.applicationId);
  await page.getByLabel(/^Secret/).fill(outside.channelSecret);
  await page.getByLabel("Buffer").fill("1");
  await page.getByText("For a sandbox, or another address").click();
  await page.getByLabel("Address", { exact: true }).fill(outside.seller);
  await page.getByLabel(/Allow plain http/).check();
  await page.getByRole("button", { name: "Check and add" }).click();
  await expect(page.getByRole("status").filter({ hasText: "Added" })).toContainText("THE ICONIC is account Kestrel Surf");

  // The plan comes by itself, without the page being loaded again.
  await expect(page.getByRole("button", { name: "Approve and begin" })).toBeVisible({ timeout: 60_000 });
  await expect(page.getByText("the first sync is a plan to approve")).toBeVisible();
  await expect(page.getByRole("heading", { name: "Stock" })).toBeVisible();
  await expect(page.getByText("Held back: two variants of the shop share the SKU")).toBeVisible();
  await expect(page.getByText(/Nearly equal on both sides/)).toBeVisible();
  expect((await world.control("state", undefined, "GET")).seller_center.stock_writes).toBe(0);
  await page.getByRole("button", { name: "Approve and begin" }).click();
  await expect(page.getByRole("status").filter({ hasText: "Approved" })).toBeVisible();
  await expect(page.locator("#cycles")).toContainText(/stock numbers? written/, { timeout: 60_000 });
  await expect.poll(() => world.failing("&buffer=1"), { timeout: 60_000 }).toEqual([]);

  // The link has done its work.
  await page.goto(world.firstLink);
  await expect(page.getByRole("alert")).toContainText("This link was used");
});
