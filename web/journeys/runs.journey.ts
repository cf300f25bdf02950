import { expect, test } from "vitest";
import { axe, settled, url } from "./browser.mjs";
import { travel } from "./travel";

interface RunKey {
  id: string;
  experiment_id: string;
}

const on = travel();

test("a scientist finds the best trial of a training, and what made the difference", async () => {
  const { page, problems } = await on.open("/default/runs");
  await page.getByRole("navigation", { name: "Experiments" }).getByRole("link", { name: "train" }).click();
  await page.getByRole("heading", { level: 1, name: "train" }).waitFor();
  const filter = page.getByRole("searchbox", { name: "Filter runs" });
  await page.keyboard.press("/");
  await filter.pressSequentially("name = trial");
  await page.getByRole("columnheader", { name: "auc" }).getByRole("button").click();
  await page.getByText(/Highest auc 0\.\d+ of \d+ runs/).waitFor();
  expect(new URL(page.url()).searchParams.get("filter")).toBe("name = trial");
  expect(new URL(page.url()).searchParams.get("sort")).toBe("-metrics.auc");
  await settled(page);

  const rows = page.getByRole("grid", { name: "Runs" }).getByRole("row");
  const auc = async (row: number) =>
    Number(await rows.nth(row).locator(".runs-measured data").first().getAttribute("value"));
  expect(await auc(1)).toBeGreaterThanOrEqual(await auc(2));

  await page.getByRole("grid", { name: "Runs" }).focus();
  for (const key of ["x", "j", "x", "j", "x"]) await page.keyboard.press(key);
  await page.getByRole("link", { name: "Compare 3" }).click();
  await page.getByRole("heading", { level: 1, name: "Compare 3 runs" }).waitFor();
  await settled(page);
  const aucs = page.getByRole("row", { name: /^auc/ }).locator("data.num");
  expect(await aucs.count()).toBe(3);
  expect(problems).toEqual([]);
  expect(await axe(page)).toEqual([]);
});

test("the addresses that MLflow's clients print lead to the run and to its experiment", async () => {
  const { page } = await on.open("/default");
  const found = await page.evaluate(() =>
    fetch("/api/v1/runs?experiment=train&limit=1").then((reply) => reply.json() as Promise<{ items: RunKey[] }>),
  );
  const [{ id, experiment_id } = { id: "", experiment_id: "" }] = found.items;
  const run = await on.open(`/#/experiments/${experiment_id}/runs/${id}`);
  await run.page.waitForURL(`**/default/runs/${id}`);
  await run.page.goto(`${url}/mlflow/default/#/experiments/${experiment_id}`);
  await run.page.getByRole("heading", { level: 1, name: "train" }).waitFor();
  expect(run.problems).toEqual([]);
});

test("what the server does not understand is said at the filter, and the rows stay", async () => {
  const { page } = await on.open("/default/runs?experiment=train");
  const rows = await page.getByRole("grid", { name: "Runs" }).getAttribute("aria-rowcount");
  await page.getByRole("searchbox", { name: "Filter runs" }).fill("metrics.auc > good");
  const said = page.getByRole("search", { name: "Filter runs" }).getByRole("alert");
  await said.waitFor();
  expect(await said.textContent()).toContain("compared with a number");
  expect(await page.getByRole("grid", { name: "Runs" }).getAttribute("aria-rowcount")).toBe(rows);
});

test("a run says whether it worked and how to repeat it, and a part knows its whole", async () => {
  const { page, problems } = await on.open("/default/runs?experiment=train&level=whole");
  await page.getByRole("grid", { name: "Runs" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Outcome" }).waitFor();
  await page.getByText(/^Finished in /).waitFor();
  await page.getByRole("heading", { name: "Reproduce" }).waitFor();
  await page
    .getByRole("link", { name: /^dataset flights/ })
    .first()
    .waitFor();
  await page.getByRole("tab", { name: /^Child runs/ }).click();
  await settled(page);
  expect(new URL(page.url()).searchParams.get("tab")).toBe("parts");
  await page.getByRole("grid", { name: "Runs" }).getByRole("link", { name: /trial/ }).first().click();
  await page.getByRole("heading", { level: 1, name: /trial/ }).waitFor();
  await settled(page);
  await page.getByRole("navigation", { name: "Breadcrumb" }).getByRole("link", { name: "train" }).last().click();
  await page.getByRole("tab", { name: /^Child runs/ }).waitFor();
  await settled(page);
  expect(problems).toEqual([]);
  expect(await axe(page)).toEqual([]);
});
