import type { Page } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import { axe, code, settled, signIn, url, watched } from "./browser.mjs";
import { travel } from "./travel";

const on = travel();
let signedIn: Awaited<ReturnType<typeof signIn>>;
beforeAll(async () => {
  signedIn = await on.context.storageState();
});

test("the one-time address signs in once, leaves no code behind, and asks for a password", async () => {
  const fresh = await on.browser.newContext();
  const page = await fresh.newPage();
  const problems = await watched(page);
  const address = `${url}/#/sign-in/${await code()}`;
  await page.goto(address);
  await page.getByRole("heading", { level: 1, name: "Home" }).waitFor();
  expect(page.url()).toBe(`${url}/default`);
  await page.getByRole("link", { name: "Choose a password" }).waitFor();
  expect(problems).toEqual([]);
  const other = await (await on.browser.newContext()).newPage();
  await other.goto(address);
  await other.getByRole("alert").filter({ hasText: "ostinato sign-in" }).waitFor();
  await other.getByLabel("Password").waitFor();
});

test("who is not signed in is led to the sign-in page, and then to where they wanted to be", async () => {
  const fresh = await on.browser.newContext();
  const page = await fresh.newPage();
  await page.goto(`${url}/default/data?x=1`);
  await page.getByRole("heading", { level: 1, name: "Sign in to Ostinato" }).waitFor();
  expect(await axe(page)).toEqual([]);
  await page.getByLabel("Name").fill("admin");
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").filter({ hasText: "wrong" }).waitFor();
  await setPassword("a good long password");
  await page.getByLabel("Password").fill("a good long password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`${url}/default/data?x=1`);
  await fresh.close();
});

/** By the page on which who came by a code chooses one; all other sessions end. */
async function setPassword(password: string): Promise<void> {
  const { page } = await on.open("/default/password");
  await page.getByLabel("New password").fill(password);
  await page.getByRole("button", { name: "Choose" }).click();
  await page.getByText("Your password is changed").waitFor();
  signedIn = await on.context.storageState();
  await page.close();
}

test("a session that ends while one looks leads to the sign-in page", async () => {
  const fresh = await on.browser.newContext({ storageState: signedIn });
  const page = await fresh.newPage();
  await page.goto(`${url}/default`);
  await settled(page);
  await fresh.clearCookies();
  await page.getByRole("link", { name: "Data", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Sign in to Ostinato" }).waitFor();
  expect(new URL(page.url()).searchParams.get("back")).toBe("/default/data");
});

test("by keyboard alone: skip, search, go, and come back", async () => {
  const { page } = await on.open("/default");
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement?.textContent?.trim())).toBe("Skip to the page");
  await page.keyboard.press("/");
  await page.getByRole("combobox", { name: "Search or act" }).waitFor();
  expect(await axe(page)).toEqual([]);
  await page.keyboard.type("monit");
  await page.getByRole("option", { name: "Monitors", selected: true }).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL(`${url}/default/monitors`);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("run:abc");
  await page.getByRole("option", { name: "run:abc" }).waitFor();
  await page.keyboard.press("Escape");
  expect(await page.locator("dialog[open]").count()).toBe(0);
  await page.goBack();
  await page.waitForURL(`${url}/default`);
});

test("the theme is kept, and known before anything is painted", async () => {
  const { page } = await on.open("/default");
  await page.getByRole("button", { name: "admin" }).click();
  await page.getByRole("menuitemcheckbox", { name: "Dark" }).click();
  await page.reload();
  expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe("dark");
});

test("eight tabs share one stream, and another takes over", async () => {
  const fresh = await on.browser.newContext({ storageState: signedIn });
  const streams: Page[] = [];
  fresh.on("request", (request) => request.url().includes("/api/v1/live") && streams.push(request.frame().page()));
  const tabs = await Promise.all(Array.from({ length: 8 }, () => fresh.newPage()));
  for (const tab of tabs) await tab.goto(`${url}/default`);
  for (const tab of tabs) await tab.locator("main h1").waitFor();
  await tabs[0]?.waitForTimeout(500);
  expect(streams).toHaveLength(1);
  await streams[0]?.close();
  await expect.poll(() => streams.length, { timeout: 10_000 }).toBe(2);
  await fresh.close();
});

test("a lost connection is told, and that it is back", async () => {
  const fresh = await on.browser.newContext({ storageState: signedIn });
  const page = await fresh.newPage();
  await page.route("**/api/v1/live*", (route) => route.abort());
  await page.goto(`${url}/default`);
  await page.getByText("The connection is lost").waitFor({ timeout: 20_000 });
  expect(await axe(page)).toEqual([]);
  await page.unroute("**/api/v1/live*");
  await page.getByText("The connection is lost").waitFor({ state: "detached", timeout: 20_000 });
  await fresh.close();
});

test("what happens elsewhere is on the page within a second", async () => {
  const fresh = await on.browser.newContext({ storageState: signedIn });
  const page = await fresh.newPage();
  await page.goto(`${url}/default/data`);
  await settled(page);
  await page.waitForSelector("[data-live=live]");
  const name = `made-${Date.now()}`;
  const made = await fresh.request.post(`${url}/api/v1/datasets`, {
    data: { name, contract: { checks: [], key: [] } },
  });
  expect(made.status()).toBe(200);
  await page.getByRole("link", { name }).waitFor({ timeout: 1500 });
  await fresh.close();
});

test("at 390 px the navigation is a drawer", async () => {
  const fresh = await on.browser.newContext({
    storageState: signedIn,
    viewport: { width: 390, height: 844 },
    hasTouch: true,
  });
  const page = await fresh.newPage();
  await page.goto(`${url}/default`);
  await settled(page);
  await page.getByRole("button", { name: "Open the navigation" }).click();
  await page.getByRole("link", { name: "Models" }).click();
  await page.waitForURL(`${url}/default/models`);
  await page.getByRole("button", { name: "Open the navigation" }).waitFor();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
});

test("signing out ends the session", async () => {
  const fresh = await on.browser.newContext({ storageState: await signIn(on.browser) });
  const page = await fresh.newPage();
  await page.goto(`${url}/default`);
  await settled(page);
  await page.getByRole("button", { name: "admin" }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("heading", { level: 1, name: "Sign in to Ostinato" }).waitFor();
  expect(await fresh.cookies()).toEqual([]);
});
