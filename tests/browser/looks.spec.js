// Every page, on a phone and on a desk, light and dark: nothing sticks out, and axe finds nothing serious.
import AxeBuilder from "@axe-core/playwright";
import { KEY, World, expect, test } from "./world.js";

let world;
test.beforeAll(async () => {
  world = await World.inStep();
  await world.control("buy", { pieces: 3 });
  await world.control("buy", { pieces: 1 });
});
test.afterAll(() => world?.end());

const PAGES = [
  "/", "/orders", "ORDER", "/products", "SKU", "/plugins", "/plugins/the-iconic", "/activity/alerts", "/settings/notify",
  "/channels", `/channels/${KEY}`, `/channels/${KEY}/plan`, "/set-up", "/set-up/shop",
  "/set-up/channel?shop=kestrel&plugin=mirakl", "/activity", "/activity/people", "/settings", "/me", "/no-such-page",
];

for (const colorScheme of ["light", "dark"]) {
  for (const width of [375, 1440]) {
    test(`${width} px, ${colorScheme}`, async ({ browser }) => {
      test.slow();
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
      const page = await context.newPage();
      const wrong = [];
      page.on("console", (m) => {
        if (m.type() === "error" && !m.text().includes("404")) wrong.push(`${page.url()}: ${m.text()}`);
      });
      page.on("pageerror", (e) => wrong.push(`${page.url()}: ${e.message}`));
      await page.goto(`${world.url}/sign-in`);
      const look = async (path) => {
        const sticksOut = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        expect(sticksOut, `${path} is wider than the window`).toBe(0);
        const { violations } = await new AxeBuilder({ page }).analyze();
        const told = violations.map((v) => `${path}: ${v.impact} ${v.id}: ${v.nodes.map((n) => n.target).join(" | ")}`);
        expect(told).toEqual([]);
      };
      await look("/sign-in");
      await world.signIn(page, "admin");
      const [order] = (await world.control("state", undefined, "GET")).seller_center.newest_orders;
      for (let path of PAGES) {
        if (path === "ORDER") path = `/orders/${KEY}/${order.id}`;
        if (path === "SKU") path = `/products/kestrel/${encodeURIComponent(order.items[0].sku)}`;
        await page.goto(world.url + path);
        await look(path);
      }
      expect(wrong).toEqual([]);
      await context.close();
    });
  }
}
