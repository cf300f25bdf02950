import type { BrowserContext } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import { settled } from "./browser.mjs";
import { newProject, type Project } from "./store";
import { travel } from "./travel";

const on = travel();
let project: Project;
let phone: BrowserContext;
beforeAll(async () => {
  project = await newProject("narrow");
  await project.post("/models", { name: "delays", description: "Will it be late?" });
  await project.version("delays", 0.7);
  const storageState = await on.context.storageState();
  phone = await on.browser.newContext({ storageState, viewport: { width: 390, height: 844 }, hasTouch: true });
});

test("on a phone no table of our own is scrolled sideways: rows are cards that say what each value is", async () => {
  for (const path of ["models/delays", "models/delays/versions/1", "runs", "executions", "pipelines", "evalsets"]) {
    const { page, problems } = await on.open(`/${project.name}/${path}`, phone);
    const wide = await page.evaluate(() =>
      [...document.querySelectorAll(".table-frame, .data-table")]
        .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth + 1)
        .map((frame) => frame.textContent?.slice(0, 80)),
    );
    expect(wide, path).toEqual([]);
    expect(problems, path).toEqual([]);
    await page.close();
  }
});

test("what is wide again is a table again", async () => {
  const { page } = await on.open(`/${project.name}/models/delays`, phone);
  const versions = page.getByRole("table", { name: "Every version" });
  const head = versions.locator("td .table-head", { hasText: "State" });
  await head.first().waitFor();
  await page.setViewportSize({ width: 1440, height: 900 });
  await expect.poll(() => head.count()).toBe(0);
  await versions.getByRole("columnheader", { name: "State" }).waitFor();
  await settled(page);
  await page.close();
});
