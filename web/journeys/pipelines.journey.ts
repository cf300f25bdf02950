import { expect, test } from "vitest";
import { axe, settled, url, watched } from "./browser.mjs";
import { travel } from "./travel";

const on = travel();

interface Execution {
  id: string;
  key: string | null;
}

async function executions(pipeline: string): Promise<Execution[]> {
  const reply = await on.context.request.get(`${url}/api/v1/executions?pipeline=${pipeline}`);
  return ((await reply.json()) as { items: Execution[] }).items;
}

test("an engineer asks why the last training ran again, and what a step got", async () => {
  const page = await on.context.newPage();
  const problems = await watched(page);
  const [last, before] = await executions("train");
  await page.goto(`${url}/default`);
  await settled(page);
  await page.getByRole("navigation", { name: "Lifecycle" }).getByRole("link", { name: "Pipelines" }).click();
  const row = page.getByRole("grid", { name: "Pipelines" }).getByRole("row").filter({ hasText: "train" });
  expect(await row.textContent()).toContain("Finished");
  await row.getByRole("link", { name: "train", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "train" }).waitFor();
  const grid = page.getByRole("grid", { name: "Executions" });
  await grid.getByRole("row").nth(1).getByRole("link").first().click();
  await page.waitForURL(`${url}/default/executions/${last?.id}`);
  const why = page.getByRole("region", { name: "Why any ran" });
  await why.getByText("Ran again because").waitFor();
  expect(await why.textContent()).toMatch(/flights flights@\d+ →became flights@\d+/);
  expect(await why.getByRole("link", { name: `…${before?.id.slice(-6)}` }).count()).toBe(1);
  const bars = page.getByRole("table", { name: "Steps over time" });
  expect(await bars.getByRole("row").count()).toBe(12);
  await bars.getByRole("link", { name: "register" }).click();
  await page.getByRole("region", { name: "register" }).getByText("Duration").waitFor();
  expect(new URL(page.url()).searchParams.get("step")).not.toBeNull();
  const reasons = page.getByRole("region", { name: "Why it ran", exact: true });
  await reasons.getByText("held_out").waitFor();
  await page.reload();
  await page.getByRole("region", { name: "Inputs" }).getByRole("link", { name: "fit" }).click();
  await page.getByRole("region", { name: "fit" }).waitFor();
  await page.getByRole("region", { name: "fit" }).getByRole("link", { name: "Close" }).click();
  await page.getByRole("region", { name: "About" }).waitFor();
  await settled(page);
  expect(await axe(page)).toEqual([]);
  expect(problems).toEqual([]);
  await page.close();
});

test("what was remembered leads to the execution that had made it", async () => {
  const page = await on.context.newPage();
  const problems = await watched(page);
  const all = await executions("train");
  const again = all.find(({ key }) => key?.endsWith("again"));
  await page.goto(`${url}/default/executions/${again?.id}`);
  await page.getByText("Nothing ran: all its outputs were remembered from").waitFor();
  const bars = page.getByRole("table", { name: "Steps over time" });
  await bars.getByRole("link", { name: "fit was reused from an earlier run" }).click();
  await page.waitForURL((to) => to.pathname !== `/default/executions/${again?.id}` && to.searchParams.has("step"));
  const made = page.getByRole("region", { name: "fit" });
  await made.getByText("Finished").waitFor();
  expect(all.map(({ id }) => `/default/executions/${id}`)).toContain(new URL(page.url()).pathname);
  expect(problems).toEqual([]);
  await page.close();
});

test("by keyboard: through the executions, into one, as a table, sorted by what took longest", async () => {
  const page = await on.context.newPage();
  const [, second] = await executions("train");
  await page.goto(`${url}/default/pipelines/train`);
  const grid = page.getByRole("grid", { name: "Executions" });
  await grid.focus();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${url}/default/executions/${second?.id}`);
  await page.getByRole("button", { name: "Table" }).click();
  const steps = page.getByRole("grid", { name: "Steps" });
  await steps.getByRole("button", { name: "Duration" }).click();
  await page.waitForURL(/sort=-took/);
  await expect
    .poll(() => steps.getByRole("columnheader", { name: "Duration" }).getAttribute("aria-sort"))
    .toBe("descending");
  await page.goBack();
  await page.waitForURL(`${url}/default/pipelines/train`);
  await page.getByLabel("State").selectOption("failed");
  await page.waitForURL(/state=failed/);
  await page.getByText("None is failed").waitFor();
  await page.close();
});

test("what cannot be started by hand says why", async () => {
  const { page } = await on.open("/default/pipelines/batch");
  const start = page.getByRole("button", { name: "Start…" });
  await expect.poll(() => start.isDisabled()).toBe(true);
  await page.getByText("it is one of the platform's own").waitFor();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("Start batch");
  await page.getByRole("option", { name: /Start batch/ }).waitFor();
  await page.close();
});
