// Who gets in, and who may do what.
import { KEY, World, expect, test } from "./world.js";

let world;
test.beforeAll(async () => { world = await World.inStep(); });
test.afterAll(() => world?.end());

test("a wrong password does not open, and guessing is slowed down", async ({ page }) => {
  await page.goto(`${world.url}/channels`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sign in to Lockstep");
  await page.getByLabel("Name").fill("admin");
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toHaveText("Name or password is not right.");
  // The right one leads to where one wanted to go.
  await page.getByLabel("Password").fill(World.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Channels");

  const guesses = Array.from({ length: 14 }, (_, i) => fetch(`${world.url}/sign-in`, {
    method: "POST", redirect: "manual", body: new URLSearchParams({ name: "mallory", password: `guess ${i}` }),
  }));
  const answers = await Promise.all(guesses);
  const turnedAway = answers.filter((a) => a.status === 429);
  expect(turnedAway.length).toBeGreaterThan(0);
  expect(answers.length - turnedAway.length).toBeLessThanOrEqual(12);
  expect(Number(turnedAway[0].headers.get("retry-after"))).toBeGreaterThan(0);
});

test("a viewer looks, and can change nothing", async ({ page }) => {
  await world.signIn(page, "viewer");
  await page.goto(`${world.url}/channels/${KEY}`);
  await expect(page.getByRole("heading", { level: 1 })).toContainText("THE ICONIC");
  await expect(page.getByRole("button", { name: "Pause" })).toHaveCount(0);
  await expect(page.getByRole("heading", { name: "Settings" })).toHaveCount(0);
  for (const path of [`/channels/${KEY}/act`, `/channels/${KEY}/approve`, `/channels/${KEY}/set`, "/settings/people"]) {
    const answer = await page.request.post(world.url + path, { form: { act: "pause", name: "eve", role: "admin" } });
    expect(answer.status(), path).toBe(403);
  }
  expect((await page.goto(`${world.url}/settings`)).status()).toBe(403);
  await expect(page.getByRole("alert")).toHaveText("This takes the role admin.");
});

test("an operator pauses and resumes, but does not set up", async ({ page }) => {
  await world.signIn(page, "operator");
  await page.goto(`${world.url}/channels/${KEY}`);
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByRole("status").filter({ hasText: "Paused" })).toBeVisible();
  // Pressed twice it is still paused.
  await page.request.post(`${world.url}/channels/${KEY}/act`, { form: { act: "pause" } });
  await page.reload();
  await page.getByRole("button", { name: "Work it again" }).click();
  await expect(page.getByRole("button", { name: "Run a cycle now" })).toBeVisible();
  expect((await page.request.post(`${world.url}/channels/${KEY}/set`, { form: {} })).status()).toBe(403);
  await page.goto(`${world.url}/activity/people`);
  await expect(page.getByRole("row").filter({ hasText: "channel.state" }).first()).toContainText("operator");
});

test("an admin invites somebody, who then signs in", async ({ page, browser }) => {
  await world.signIn(page, "admin");
  await page.goto(`${world.url}/settings`);
  await page.getByLabel("Name", { exact: true }).fill("grace");
  await page.getByRole("button", { name: "Make a link" }).click();
  const link = (await page.getByLabel("To be copied").innerText()).trim();
  const other = await browser.newContext();
  const theirs = await other.newPage();
  await theirs.goto(link);
  await expect(theirs.getByLabel("Name")).toHaveValue("grace");
  await theirs.getByLabel("Password", { exact: true }).fill(World.password);
  await theirs.getByLabel("The same again").fill(World.password);
  await theirs.getByRole("button", { name: "Begin" }).click();
  await expect(theirs.getByRole("heading", { level: 1 })).toHaveText("Overview");
  // Taken away, they are out at once, on pages that are open too.
  await page.goto(`${world.url}/settings`);
  await page.getByRole("row").filter({ hasText: "grace" }).getByRole("button", { name: "Remove" }).click();
  await expect(page.getByRole("status").filter({ hasText: "grace is removed" })).toBeVisible();
  await expect(theirs.getByRole("heading", { level: 1 })).toHaveText("Sign in to Lockstep");
  await other.close();
  // The last admin cannot lock everybody out.
  await page.getByRole("row").filter({ has: page.getByRole("cell", { name: "admin", exact: true }) }).getByRole("button", { name: "Remove" }).first().click();
  await expect(page.getByRole("alert")).toContainText("is the only admin");
});

test("other sites cannot act in one's name", async ({ page }) => {
  await world.signIn(page, "admin");
  const act = { form: { act: "pause" } };
  const path = `${world.url}/channels/${KEY}/act`;
  for (const headers of [{ origin: "https://evil.example" }, { "sec-fetch-site": "cross-site" }]) {
    expect((await page.request.post(path, { ...act, headers })).status()).toBe(403);
  }
  // A name that was made to point here is not ours.
  expect((await page.request.get(world.url, { headers: { host: "evil.example" } })).status()).toBe(421);
  const [cookie] = (await page.context().cookies()).filter((c) => c.name === "lockstep");
  expect(cookie.httpOnly).toBe(true);
  expect(cookie.sameSite).toBe("Lax");
});

test("signing out ends the session for good", async ({ page }) => {
  await world.signIn(page, "viewer");
  const [cookie] = (await page.context().cookies()).filter((c) => c.name === "lockstep");
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sign in to Lockstep");
  await page.context().addCookies([cookie]);
  await page.goto(world.url);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sign in to Lockstep");
});
