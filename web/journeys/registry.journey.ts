import { beforeAll, expect, test } from "vitest";
import { axe, url } from "./browser.mjs";
import { newProject, type Project } from "./store";
import { travel } from "./travel";

const on = travel();
let project: Project;
beforeAll(async () => {
  project = await newProject("registry");
  for (const name of ["delays", "arrivals"]) await project.post("/models", { name, description: `About ${name}` });
  for (const auc of [0.7, 0.75]) await project.version("delays", auc);
});

test("a version and a model are deprecated, which callers are told, and reinstated", async () => {
  const { page, problems } = await on.open(`/${project.name}/models/delays/versions/1`);
  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Deprecate…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Ostinato-Notice").waitFor();
  await dialog.getByLabel("Reason").fill("it forgets the wind");
  await dialog.getByLabel("Use instead").fill("delays@2");
  await dialog.getByRole("button", { name: "Deprecate" }).click();
  const notice = page.locator(".model-notice");
  await notice.getByText("it forgets the wind").waitFor();
  await notice.getByRole("link", { name: "delays@2" }).waitFor();
  expect(await axe(page)).toEqual([]);

  await page.goto(`${url}/${project.name}/models/delays`);
  await page.getByText("deprecated", { exact: true }).waitFor();
  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Deprecate…" }).click();
  await dialog.getByLabel("Reason").fill("arrivals knows more");
  await dialog.getByLabel("Use instead").fill("arrivals");
  await dialog.getByRole("button", { name: "Deprecate" }).click();
  await notice.getByText("arrivals knows more").waitFor();
  expect(await axe(page)).toEqual([]);
  await notice.getByRole("button", { name: "Reinstate…" }).click();
  await dialog.getByLabel("Reason").fill("it does not after all");
  await dialog.getByRole("button", { name: "Reinstate" }).click();
  await page.getByText("Reinstated delays").waitFor();
  await page.getByRole("button", { name: "Undo" }).last().click();
  await notice.getByText("arrivals knows more").waitFor();
  expect(problems).toEqual([]);
  await page.close();
});

test("a model is handed over, and taken back", async () => {
  const { page, problems } = await on.open(`/${project.name}/models/arrivals`);
  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Change owners…" }).click();
  const dialog = page.getByRole("dialog", { name: "Change the owners of arrivals?" });
  await dialog.getByLabel("Owners").fill("person:ben person:ana");
  await dialog.getByRole("button", { name: "Change owners" }).click();
  const rules = page.getByRole("region", { name: "Rules" });
  await rules.getByRole("link", { name: "ben" }).waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect.poll(() => rules.getByRole("link", { name: "ben" }).count()).toBe(0);
  expect(problems).toEqual([]);
  await page.close();
});

test("a version says with what care it is loaded, and proves that it answers as it did", async () => {
  const { page, problems } = await on.open(`/${project.name}/models/delays/versions/2?tab=origin`);
  await page.getByRole("region", { name: "Trust" }).getByText("in any process").waitFor();
  const proof = page.getByRole("region", { name: "Proof" });
  await proof.getByText("delay 1.5").waitFor();
  await proof.getByRole("button", { name: "Load and test again" }).click();
  await proof.getByText("bit for bit").waitFor();
  expect(await axe(page)).toEqual([]);
  expect(problems).toEqual([]);
  await page.close();
});

test("two versions are compared side by side", async () => {
  const { page, problems } = await on.open(`/${project.name}/models/delays/compare?versions=delays%401%20delays%402`);
  const table = page.getByRole("table").first();
  await table.getByText("0.750", { exact: true }).waitFor();
  await table.getByText("0.700", { exact: true }).waitFor();
  expect(await axe(page)).toEqual([]);
  expect(problems).toEqual([]);
  await page.close();
});
