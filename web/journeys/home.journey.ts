import { expect, test } from "vitest";
import { axe, code, settled, signIn, url, watched } from "./browser.mjs";
import { travel } from "./travel";

const on = travel();

test("a person who comes for the first time sees how the loop stands, and reaches a model by keyboard alone", async () => {
  const fresh = await on.browser.newContext();
  const page = await fresh.newPage();
  const problems = await watched(page);
  await page.goto(`${url}/#/sign-in/${await code()}`);
  await page.getByRole("heading", { level: 1, name: "Home" }).waitFor();
  await settled(page);
  const loops = page.getByRole("table", { name: "The loop of each model" });
  for (const head of ["Data", "Trained", "Rollout", "Production", "Health", "Drift", "Quality", "Cost"])
    expect(await loops.getByRole("columnheader", { name: head }).count()).toBe(1);
  await page.getByRole("heading", { level: 2, name: "Waiting for me" }).waitFor();
  await page.getByRole("heading", { level: 2, name: "Recent activity" }).waitFor();
  const model = (await loops.locator("a[title^='model:']").first().getAttribute("title")) ?? "";
  await page.keyboard.press("/");
  await page.keyboard.type(model.replace("model:", ""));
  const found = page.getByRole("group", { name: "Models" }).getByRole("option").first();
  await found.waitFor();
  expect(await axe(page)).toEqual([]);
  for (let step = 0; step < 20 && (await found.getAttribute("aria-selected")) !== "true"; step++)
    await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${url}/default/models/${model.replace("model:", "")}`);
  expect(problems).toEqual([]);
  await fresh.close();
});

test("what somebody does elsewhere is told at home within a second", async () => {
  const { page, problems } = await on.open("/default");
  await page.waitForSelector("[data-live=live]");
  const model = await page.locator(".loop-title a[title^='model:']").first().getAttribute("title");
  const text = `seen at ${Date.now()}`;
  const said = await on.context.request.post(`${url}/api/v1/ledger/comments/${model}`, { data: { text } });
  expect(said.status()).toBe(200);
  const begun = Date.now();
  await page.locator(".lately").getByText(text).waitFor({ timeout: 2000 });
  expect(Date.now() - begun).toBeLessThan(1500);
  expect(await page.locator(".lately li").first().textContent()).toContain("admin commented on");
  expect(problems).toEqual([]);
});

test("every part of the loop leads somewhere, or says how it comes to be", async () => {
  const { page } = await on.open("/default");
  const row = page.locator(".loop-parts").first();
  const [links, missing] = [row.locator("a.loop-cell"), row.locator("button.loop-cell")];
  expect((await links.count()) + (await missing.count())).toBe(8);
  for (const link of await links.all()) expect(await link.getAttribute("href")).toMatch(/^\/default\/\w+/);
  if ((await missing.count()) > 0) {
    await missing.first().click();
    expect(await page.locator(".loop-waits").first().textContent()).toMatch(/ostinato|needs the permission/);
  }
});

test("the tray of the top bar leads to what waits for me, and its number is that of the list", async () => {
  const { page } = await on.open("/default/insights");
  const tray = page.getByRole("link", { name: "Waiting for me" });
  const number = (await tray.locator(".top-bar-count").textContent())?.trim();
  await tray.click();
  await page.waitForURL(`${url}/default#waiting`);
  await settled(page);
  if (number === "0") await page.getByText("Nothing is waiting for you").waitFor();
  else expect(await page.locator("#waiting .card-note").textContent()).toBe(number);
});

test("an empty project begins with three steps", async () => {
  const { page, problems } = await on.open("/default");
  await page.route("**/api/v1/insights/home", (route) =>
    route.fulfill({ json: { at: "2013-01-01T00:00:00Z", loops: [], command: "ostinato models create --name NAME" } }),
  );
  await page.reload();
  await page.getByRole("heading", { name: "Three steps to the first loop" }).waitFor();
  expect(await page.locator(".begin ol > li").count()).toBe(3);
  await page.getByText(`ostinato login --url ${url}`).waitFor();
  expect([...problems, ...(await axe(page))]).toEqual([]);
});

test("the practice of a year, and of a month, by its address", async () => {
  const { page, problems } = await on.open("/default/insights");
  for (const name of ["Lead time", "Approval time", "Change failure rate", "Time to restore", "Cost per stage"])
    await page.getByRole("heading", { level: 2, name, exact: true }).waitFor();
  const ways = await page.getByRole("table", { name: "Lead time by version" }).locator("tbody tr").count();
  expect(ways).toBeGreaterThan(0);
  await page.getByRole("button", { name: "30 d" }).click();
  await page.waitForURL(`${url}/default/insights?days=30`);
  await page.reload();
  await settled(page);
  expect(await page.getByRole("button", { name: "30 d", pressed: true }).count()).toBe(1);
  expect(await page.getByRole("table", { name: "Lead time by version" }).locator("tbody tr").count()).toBeLessThan(
    ways,
  );
  expect([...problems, ...(await axe(page))]).toEqual([]);
});

test("an address that signs somebody in asks first where somebody is signed in", async () => {
  const own = await on.browser.newContext({ storageState: await signIn(on.browser) });
  const before = await own.cookies();
  const { page } = await on.open(`/#/sign-in/${await code()}`, own);
  await page.getByRole("heading", { level: 1, name: "You are signed in as admin" }).waitFor();
  expect(await axe(page)).toEqual([]);
  await page.getByRole("button", { name: "Stay admin" }).click();
  await page.getByRole("heading", { level: 1, name: "Home" }).waitFor();
  expect(await own.cookies()).toEqual(before);
  await page.goto(`${url}/sign-in?failed=Denied`);
  await page.getByRole("alert").filter({ hasText: "The sign-in elsewhere failed" }).waitFor();
  await own.close();
});
