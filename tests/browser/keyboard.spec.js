// Without a mouse.
import { KEY, World, expect, test } from "./world.js";

let world;
test.beforeAll(async () => { world = await World.inStep(); });
test.afterAll(() => world?.end());

// Presses Tab until what is focused fits.
async function tabTo(page, fits) {
  for (let i = 0; i < 80; i++) {
    await page.keyboard.press("Tab");
    const text = await page.evaluate(() => {
      const e = document.activeElement;
      return (e.getAttribute("aria-label") ?? e.textContent ?? "").trim();
    });
    if (fits(text)) return;
  }
  throw new Error("the keyboard does not reach it");
}

test("sign in, find the channel, pause it and resume it", async ({ page }) => {
  await page.goto(world.url);
  await page.keyboard.type("operator");
  await page.keyboard.press("Tab");
  await page.keyboard.type(World.password);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Overview");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("main")).toBeFocused();
  await tabTo(page, (text) => text === "THE ICONIC");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`/channels/${KEY}$`));
  await tabTo(page, (text) => text === "Pause");
  // What is focused can be seen to be.
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  expect(outline).not.toBe("none");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("status").filter({ hasText: "Paused" })).toBeVisible();
  await tabTo(page, (text) => text === "Work it again");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Run a cycle now" })).toBeVisible();
});

test("a page that renews itself keeps the focus", async ({ page }) => {
  await world.signIn(page, "admin");
  await page.getByRole("link", { name: "THE ICONIC", exact: true }).focus();
  await world.control("buy", { pieces: 1 });
  await expect(page.getByRole("row").filter({ hasText: /created|seen|ready/ }).first()).toBeVisible();
  await page.waitForTimeout(3_000);
  await expect(page.getByRole("link", { name: "THE ICONIC", exact: true })).toBeFocused();
});
