import { beforeAll, expect, test } from "vitest";
import { axe } from "./browser.mjs";
import { newProject, type Project } from "./store";
import { travel } from "./travel";

const on = travel();
let project: Project;
beforeAll(async () => {
  project = await newProject("cards");
  await project.post("/models", { name: "delays", description: "Will it be late?" });
  await project.version("delays", 0.7);
});

test("people write into a card, and see what each text changed", async () => {
  const { page, problems } = await on.open(`/${project.name}/models/delays/versions/1?tab=card`);
  const dialog = page.getByRole("dialog");
  for (const text of ["It has never seen a hurricane.", "It has never seen a hurricane.\nNor snow."]) {
    await page.getByRole("button", { name: "Edit a section" }).click();
    await dialog.getByLabel("Text").fill(text);
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect.poll(() => dialog.count()).toBe(0);
    await page
      .locator("main")
      .getByText(text.split("\n").at(-1) ?? "")
      .first()
      .waitFor();
  }
  await page.getByText("What people wrote, and when").click();
  await page.getByText("text 2, by").waitFor();
  await page.getByText("text 1, by").waitFor();
  expect(await axe(page)).toEqual([]);
  expect(problems).toEqual([]);
  await page.close();
});
