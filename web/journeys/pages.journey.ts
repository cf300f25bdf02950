import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { axe, COLOURS, settled, url, watched } from "./browser.mjs";
import { travel } from "./travel";

const PAGES_MAX = 60;
const on = travel();

/** Of many things of a kind, one page stands for all. */
function shape(path: string): string {
  return path
    .replace(
      /\/(runs|executions|evaluations|explanations|windows|rollouts|predictions|versions|lineage|r)\/[^/?]+/g,
      "/$1/*",
    )
    .replace(/\?.*/, "");
}

async function linked(page: Page): Promise<string[]> {
  const all = await page
    .locator("a[href^='/']")
    .evaluateAll((links) => links.map((link) => link.getAttribute("href") ?? ""));
  return all.filter((path) => !path.startsWith("/api/") && !path.startsWith("/frames/"));
}

/** The ledger tells of things that are gone by now: their pages say so, and the browser its console what was answered. */
async function gone(page: Page): Promise<boolean> {
  return (await page.getByRole("alert").filter({ hasText: /^No / }).count()) > 0;
}

test("every page that is linked from home is whole, accessible in both themes, and asks nobody else", async () => {
  const seen = new Set(["/default"]);
  const waiting = ["/default"];
  const wrong: string[] = [];
  const page = await on.context.newPage();
  const problems = await watched(page);
  for (let path = waiting.shift(); path !== undefined && seen.size <= PAGES_MAX; path = waiting.shift()) {
    await page.goto(url + path);
    await settled(page);
    for (const [colorScheme, rules] of [["dark", COLOURS], ["light"]] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" }); // colours turn at once
      problems.push(...(await axe(page, rules)).map((found) => `${colorScheme}: ${found}`));
    }
    const counts = { h1: await page.locator("h1").count(), main: await page.locator("main").count() };
    const title = await page.title();
    if (counts.h1 !== 1 || counts.main !== 1) problems.push(`h1 and main: ${JSON.stringify(counts)}`);
    if (!/.+ · Ostinato$/.test(title)) problems.push(`title: ${title}`);
    const found = (await gone(page)) ? problems.filter((problem) => !/status of 404/.test(problem)) : [...problems];
    problems.length = 0;
    wrong.push(...found.map((problem) => `${path}: ${problem}`));
    for (const next of await linked(page)) {
      if (seen.has(shape(next))) continue;
      seen.add(shape(next));
      waiting.push(next);
    }
  }
  expect(wrong).toEqual([]);
  expect(seen.size).toBeGreaterThan(10);
});

test("an address that names nothing says so, inside the shell", async () => {
  const { page, problems } = await on.open("/default/nothing/at/all");
  await page.getByRole("heading", { level: 1, name: "Page not found" }).waitFor();
  await page.getByRole("navigation", { name: "Lifecycle" }).waitFor();
  expect([...problems, ...(await axe(page))]).toEqual([]);
});
