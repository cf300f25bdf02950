import { expect, test } from "vitest";
import { axe, url } from "./browser.mjs";
import { travel } from "./travel";

// On the store of the flights demo: late@3 was trained with an error of units in May 2013, and was taken back by itself.
const MAY = "/default/endpoints/late?at=2013-05-11&span=30";

const on = travel();

test("an operator finds the rollback, why it was, and the answers that show it", async () => {
  const { page, problems } = await on.open("/default/endpoints");
  await page.getByRole("grid", { name: "Endpoints" }).getByRole("link", { name: "late", exact: true }).click();
  await page.getByRole("tab", { name: /^Rollouts/ }).click();
  await page.waitForURL(/tab=rollouts/);
  await page.getByRole("link", { name: "Rollout of late@3: Rolled back" }).click();

  await page.getByRole("heading", { level: 1, name: /late@3 over late@2\s*Rolled back/ }).waitFor();
  const sentence = page.getByText("its squared error is worse by 0.0");
  await sentence.waitFor();
  expect((await sentence.boundingBox())?.y).toBeLessThan(300);
  await page.getByText("limit 100, first crossed at request").waitFor();

  const panels = page.getByRole("group", { name: "arrows move the cursor" });
  expect(await panels.count()).toBe(3);
  await panels.first().focus();
  await page.keyboard.press("End"); // what holds from the last request on
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Enter");
  const tip = page.locator(".chart-tip[data-pinned]").first();
  await tip.getByText(/requests scored by both 4\d\d/).waitFor();
  expect(await tip.textContent()).toMatch(/[1-9]\d\d/); // beyond the limit
  await page.keyboard.press("Escape");

  const decided = page.getByRole("table", { name: "Guards" }).getByRole("row", { name: "decided" });
  expect(await decided.textContent()).toMatch(/Squared error worse[\s\S]*\+0\.0\d+[\s\S]*\+0\.020/);
  expect(await axe(page)).toEqual([]);

  const farthest = page.getByRole("table", { name: "Largest differences" }).getByRole("link").first();
  const request = (await farthest.textContent())?.trim() ?? "";
  await farthest.click();
  await page.getByRole("heading", { level: 1, name: request }).waitFor();
  await page.getByText("predicted").waitFor();
  await page.getByRole("link", { name: "flights-2013-04.csv" }).waitFor();
  expect(await page.getByRole("link", { name: "flights-2013-05.csv" }).count()).toBe(0);
  await page
    .getByRole("group", { name: "Lineage of the prediction" })
    .or(page.locator(".react-flow"))
    .first()
    .waitFor();
  expect([...problems, ...(await axe(page))]).toEqual([]);
});

test("the auditor's question has an address: what answered then, and who had approved it", async () => {
  const { page, problems } = await on.open(MAY);
  const then = page.getByRole("region", { name: "In production then" });
  await then.getByRole("link", { name: "late@2" }).waitFor();
  await then.getByText("2013-05-10 04:00:00 UTC").waitFor();
  await then.getByRole("link", { name: "person ben" }).waitFor();
  expect(await page.getByRole("button", { name: "Roll back" }).count()).toBe(0);

  await page.getByRole("tab", { name: /^Rollouts/ }).click();
  const rollouts = page.getByRole("table", { name: "Rollouts" });
  await rollouts.getByRole("link", { name: "Rollout of late@2: Promoted" }).waitFor();
  expect(await rollouts.getByRole("link", { name: "Rollout of late@3" }).count()).toBe(0);
  await page.getByRole("button", { name: "Back to now" }).click();
  await rollouts.getByRole("link", { name: "Rollout of late@3: Rolled back" }).waitFor();
  expect(problems).toEqual([]);
});

test("what is looked at stands in the address, and comes back with it", async () => {
  const { page } = await on.open("/default/endpoints/late");
  await page.getByRole("button", { name: "30 days" }).click();
  await page.getByRole("button", { name: "p99", exact: true }).click();
  await page.getByRole("button", { name: "Batch" }).click();
  await page.waitForURL(/span=30/);
  const again = await on.open(page.url().slice(url.length));
  for (const name of ["30 days", "p99", "Batch"]) {
    expect(await again.page.getByRole("button", { name, exact: true }).getAttribute("aria-pressed")).toBe("true");
  }
});

test("a try is answered by the version in production, and what is wrong is told beside its input", async () => {
  const { page, problems } = await on.open("/default/endpoints/late?tab=try");
  await page.getByLabel("Distance").fill("2500");
  await page.getByRole("button", { name: "Predict" }).click();
  const answer = page.locator(".serving-answer");
  await answer.waitFor({ timeout: 60_000 });
  expect(Number(await answer.locator(".serving-score").textContent())).toBeGreaterThan(0);
  expect(await answer.getByRole("link").textContent()).toMatch(/^late@\d+$/);
  await page.getByLabel("Carrier", { exact: false }).first().selectOption("UA");
  await answer.waitFor({ state: "detached" });
  expect(problems).toEqual([]);
});

test("rolling back asks for a reason, from the palette too, and does nothing without one", async () => {
  const { page, problems } = await on.open("/default/endpoints/late");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("roll back");
  await page.getByRole("option", { name: "Roll back: late" }).waitFor();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Roll back late?" });
  await dialog.getByRole("button", { name: "Roll back" }).click();
  await dialog.waitFor();
  expect(await dialog.getByLabel("Reason").evaluate((box: HTMLTextAreaElement) => box.validity.valueMissing)).toBe(
    true,
  );
  await dialog.getByText(/late@\d+ takes over from/).waitFor();
  expect(await axe(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });

  await page.getByRole("button", { name: "Deploy a version" }).click();
  const deploy = page.getByRole("dialog", { name: "Deploy a version to late" });
  const versions = deploy.getByLabel("Version");
  await versions.waitFor();
  expect(await versions.locator("option").allInnerTexts()).not.toContain("late@8");
  await deploy.getByLabel("Strategy").selectOption({ label: "Direct: all at once, without a test" });
  await deploy.getByLabel("Reason").waitFor();
  expect([...problems, ...(await axe(page))]).toEqual([]);
});

test("a plan that cannot be is refused at its field", async () => {
  const { page } = await on.open("/default/endpoints/late");
  await page.getByRole("button", { name: "Deploy a version" }).click();
  const deploy = page.getByRole("dialog", { name: "Deploy a version to late" });
  await deploy.getByText("More settings").click();
  const most = deploy.getByLabel("Inconclusive after");
  await most.fill("10");
  await deploy.getByRole("button", { name: "Deploy" }).click();
  await deploy.getByText("max_requests is at least the 50 of a step").waitFor();
  expect(await most.evaluate((field) => field === document.activeElement)).toBe(true);
});

test("an operator rolls back with a reason, and the version before answers", async () => {
  const { page, problems } = await on.open("/default/endpoints/late");
  await page.getByRole("button", { name: "Roll back" }).click();
  const dialog = page.getByRole("dialog", { name: "Roll back late?" });
  const [next] = /late@\d+(?= takes over)/.exec((await dialog.textContent()) ?? "") ?? [""];
  await dialog.getByLabel("Reason").fill("its answers came late");
  await dialog.getByRole("button", { name: "Roll back" }).click();
  await page.getByText(`${next} takes all traffic`).waitFor();
  await page.getByText("its answers came late").first().waitFor();
  expect([...problems, ...(await axe(page))]).toEqual([]);
});

test("a rollout that is not there says so", async () => {
  const { page } = await on.open("/default/rollouts/01NOTHING");
  await page.getByText("there was no rollout").waitFor();
});
