// Something breaks: it is seen, said, and mended from the pages.
import { KEY, World, expect, test } from "./world.js";

let world;
test.beforeAll(async () => { world = await World.inStep(); });
test.afterAll(() => world?.end());

test("refused credentials park the channel, and it works again when they are mended", async ({ page }) => {
  await world.signIn(page, "admin");
  await expect(page.locator("#verdict")).toHaveText(/nothing needs you/);
  await world.control("faults/seller-center", { fault: { kind: "unauthorized" } });
  await expect(page.locator("#verdict")).toContainText("1 channel stands still", { timeout: 60_000 });
  await page.getByRole("link", { name: "THE ICONIC", exact: true }).click();
  await expect(page.locator("#state")).toContainText("parked");
  await world.control("faults/seller-center", undefined, "DELETE");
  await page.getByLabel("Secret").fill("wrong");
  await page.getByRole("button", { name: "Check and replace" }).click();
  await expect(page.getByRole("alert")).toContainText("the stored ones are kept");
  await page.getByLabel("Secret").fill(world.outside.channelSecret);
  await page.getByRole("button", { name: "Check and replace" }).click();
  await expect(page.getByRole("status").filter({ hasText: "Accepted" })).toContainText("Kestrel Surf");
  await expect(page.locator("#state")).toContainText("active");
});

test("while the channel is down the page says so, and catches up by itself", async ({ page }) => {
  // The secret that was wrong on purpose counts as a mistake.
  const before = await world.failing();
  await world.signIn(page, "viewer");
  await page.goto(`${world.url}/channels/${KEY}`);
  await world.control("faults/seller-center", { fault: { kind: "maintenance" } });
  await expect(page.locator("#cycles")).toContainText("unavailable", { timeout: 60_000 });
  await world.control("faults/seller-center", undefined, "DELETE");
  await world.control("buy", { pieces: 1 });
  await world.cli("channel", "resume", KEY);
  await expect(page.locator("#cycles")).toContainText("1 order created", { timeout: 60_000 });
  await expect.poll(() => world.failing(), { timeout: 60_000 }).toEqual(before);
});
