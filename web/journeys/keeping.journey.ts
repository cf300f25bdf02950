import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { axe, settled, url } from "./browser.mjs";
import { travel } from "./travel";

const on = travel();

/** As a program would do it. */
async function post(path: string, body: unknown): Promise<void> {
  const token = readFileSync(join(process.env.OSTINATO_DATA ?? "", "admin-token"), "utf8").trim();
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const reply = await fetch(`${url}/api/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  expect(reply.status, await reply.text()).toBeLessThan(300);
}

async function made(): Promise<string> {
  const experiment = `kept-${Date.now()}`;
  for (const name of ["alpha", "beta"]) {
    await post("/runs", { experiment, name, id: `${experiment}-${name}`, params: { depth: name.length } });
    await post(`/runs/${experiment}-${name}/finish`, {});
  }
  return experiment;
}

const answer = (page: Page, name: string) => page.getByRole("dialog").getByRole("button", { name, exact: true });
const row = (page: Page, name: string) => page.getByRole("row", { name: new RegExp(name) });

async function chosen(page: Page, menu: string | RegExp, item: string) {
  await page.getByRole("button", { name: menu }).click();
  await page.getByRole("menuitem", { name: item, exact: true }).click();
}

test("a look at the runs is kept under a name, opens by its address, is renamed and forgotten", async () => {
  const experiment = await made();
  const name = `deep ${experiment}`;
  const asked = new URLSearchParams({ experiment, filter: "params.depth = 5", sort: "name" });
  const { page, problems } = await on.open(`/default/runs?${asked}`);
  await row(page, "alpha").waitFor();
  await chosen(page, "Views", "Save this view…");
  await page.getByRole("dialog").getByLabel("Name").fill(name);
  await answer(page, "Save").click();
  await page.getByRole("button", { name, exact: true }).waitFor();

  await page.goto(`${url}/default/runs?${new URLSearchParams({ view: name })}`);
  await page.getByRole("heading", { level: 1, name: experiment }).waitFor();
  await row(page, "alpha").waitFor();
  expect(await row(page, "beta").count()).toBe(0);
  const filter = page.getByRole("searchbox", { name: "Filter runs" });
  expect(await filter.inputValue()).toBe("params.depth = 5");
  await filter.fill("params.depth = 4");
  await row(page, "beta").waitFor();
  await chosen(page, `${name}, changed`, `Save changes to ${name}`);
  await page.getByRole("button", { name, exact: true }).waitFor();

  await page.keyboard.press("Control+k");
  await page.keyboard.type("all views");
  await page.getByRole("option", { name: "All views", selected: true }).waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: `Rename ${name}` }).click();
  await page.getByRole("dialog").getByLabel("Name").fill(`${name} still`);
  await answer(page, "Rename").click();
  await page.waitForURL(/view=.*still/);
  await page.getByRole("button", { name: `Delete ${name} still` }).waitFor();
  expect([...problems, ...(await axe(page))]).toEqual([]);
  await page.getByRole("button", { name: `Delete ${name} still` }).click();
  await page.getByText(`${name} still is forgotten`).waitFor();
  await page.close();
});

test("a run that was deleted comes back at once, or from the page of what is deleted", async () => {
  const experiment = await made();
  const { page, problems } = await on.open(`/default/runs?experiment=${experiment}`);
  await row(page, "alpha").getByRole("checkbox").click();
  await page.getByRole("button", { name: "Delete 1" }).click();
  await answer(page, "Delete").click();
  await row(page, "alpha").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Undo" }).click();
  await row(page, "alpha").waitFor();

  await row(page, "alpha").getByRole("link").click();
  await page.getByRole("heading", { level: 1, name: "alpha" }).waitFor();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await answer(page, "Delete").click();
  await page.getByText("lists leave it out").waitFor();

  await page.goto(`${url}/default/runs`);
  await page.getByRole("link", { name: "Deleted" }).click();
  const gone = row(page, `alpha.*${experiment}`);
  await gone.waitFor();
  await settled(page);
  expect([...problems, ...(await axe(page))]).toEqual([]);
  await gone.getByRole("button", { name: "Restore alpha" }).click();
  await gone.waitFor({ state: "detached" });
  await page.goto(`${url}/default/runs?experiment=${experiment}`);
  await row(page, "alpha").waitFor();
  await page.close();
});

test("an experiment is renamed and deleted with its runs, and restored with them", async () => {
  const experiment = await made();
  const { page, problems } = await on.open(`/default/runs?experiment=${experiment}`);
  await row(page, "alpha").waitFor();
  await chosen(page, `Acts on ${experiment}`, `Rename ${experiment}`);
  await page.getByRole("dialog").getByLabel("Name").fill(`${experiment}-b`);
  await answer(page, "Rename").click();
  await page.getByRole("heading", { level: 1, name: `${experiment}-b` }).waitFor();
  await row(page, "alpha").waitFor();

  await chosen(page, `Acts on ${experiment}-b`, `Delete ${experiment}-b`);
  await answer(page, "Delete").click();
  await page.getByRole("heading", { level: 1, name: "Runs" }).waitFor();
  await page.goto(`${url}/default/runs/deleted`);
  await page.getByRole("button", { name: `Restore with its runs: ${experiment}-b` }).click();
  await page.getByText(`Restored ${experiment}-b`).waitFor();
  await page.goto(`${url}/default/runs?experiment=${experiment}-b`);
  await row(page, "beta").waitFor();
  expect(problems).toEqual([]);
  await page.close();
});

test("? tells the keys, Escape closes them, and the focus returns", async () => {
  const { page, problems } = await on.open("/default/runs");
  const columns = page.getByRole("button", { name: "Columns" });
  await columns.focus();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).getByText("Tick the row").waitFor();
  expect(await axe(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  expect(await columns.evaluate((button) => button === document.activeElement)).toBe(true);
  expect(problems).toEqual([]);
  await page.close();
});
