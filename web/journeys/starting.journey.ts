import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { axe } from "./browser.mjs";
import { travel } from "./travel";

const on = travel();
const dialog = (page: Page) => page.getByRole("dialog");
const field = (page: Page, label: string) => dialog(page).getByLabel(new RegExp(`^${label}( required)?$`));
const unexpected = (problems: string[]) => problems.filter((problem) => !problem.includes("status of 400"));
const submit = (page: Page, verb: string) => dialog(page).getByRole("button", { name: verb, exact: true }).click();

/** What is refused is said at its field, and the focus is there; what the browser logs of the refusal is no fault of the page. */
async function refused(page: Page, label: string, words: RegExp) {
  const control = field(page, label);
  await expect.poll(() => control.getAttribute("aria-invalid")).toBe("true");
  expect(await control.evaluate((one) => one === document.activeElement)).toBe(true);
  await expect.poll(() => control.evaluate((one) => one.closest(".field")?.textContent)).toMatch(words);
}

test("a schedule is made, paused, resumed, changed and deleted from the page of its pipeline", async () => {
  const name = `nightly-${Date.now()}`;
  const { page, problems } = await on.open("/default/pipelines/train");
  await page.getByRole("button", { name: "Schedule…" }).click();
  await field(page, "Name").fill(name);
  await field(page, "window_days").fill("150");
  await field(page, "until").fill("$" + "{nominal}");
  await field(page, "Times").fill("every morning");
  await submit(page, "Schedule");
  await refused(page, "Times", /five fields.*minute, hour, day of month/);
  await field(page, "Times").fill("0 6 * * 1-5");
  await field(page, "Time zone").fill("Europe/Atlantis");
  await submit(page, "Schedule");
  await refused(page, "Time zone", /no time zone.*IANA/);
  await field(page, "Time zone").fill("Europe/Berlin");
  expect(await axe(page)).toEqual([]);
  await submit(page, "Schedule");
  const line = page.getByRole("article", { name: `Schedule ${name}` });
  await line.getByText("0 6 * * 1-5").waitFor();
  await line.getByRole("button", { name: "Pause" }).click();
  await line.getByText("Paused").waitFor();
  await line.getByRole("button", { name: "Resume" }).click();
  await line.getByRole("button", { name: "Pause" }).waitFor();
  await line.getByRole("button", { name: `More about ${name}` }).click();
  await page.getByRole("menuitem", { name: "Change…" }).click();
  await field(page, "Times").fill("30 7 * * *");
  await submit(page, "Change");
  await line.getByText("30 7 * * *").waitFor();
  await line.getByRole("button", { name: `More about ${name}` }).click();
  await page.getByRole("menuitem", { name: "Fill in the past…" }).click();
  await field(page, "From").fill("2013-12-01");
  await field(page, "Up to, without").fill("2013-12-01");
  await submit(page, "Start them");
  await page.getByText("0 executions asked for").waitFor();
  await line.getByRole("button", { name: `More about ${name}` }).click();
  await page.getByRole("menuitem", { name: "Delete…" }).click();
  await submit(page, "Delete");
  await line.waitFor({ state: "detached" });
  expect(unexpected(problems)).toEqual([]);
});

test("a trigger is made, paused, resumed and deleted", async () => {
  const name = `fresh-${Date.now()}`;
  const { page, problems } = await on.open("/default/pipelines/train");
  await page.getByRole("button", { name: "Trigger…" }).click();
  await field(page, "Name").fill("not a name");
  await field(page, "Of").fill("dataset:nothing");
  await field(page, "window_days").fill("150");
  await field(page, "until").fill("$" + "{at}");
  await submit(page, "Trigger");
  await refused(page, "Name", /not a name of a trigger.*letters/);
  await field(page, "Name").fill(name);
  await field(page, "On").fill("everything");
  await submit(page, "Trigger");
  await refused(page, "On", /not the verb of an event/);
  await field(page, "On").fill("dataset.delivered");
  expect(await axe(page)).toEqual([]);
  await submit(page, "Trigger");
  const line = page.getByRole("article", { name: `Trigger ${name}` });
  await line.getByRole("button", { name: "Pause" }).click();
  await line.getByText("Paused").waitFor();
  await line.getByRole("button", { name: "Resume" }).click();
  await line.getByText("Paused").waitFor({ state: "detached" });
  await line.getByRole("button", { name: `More about ${name}` }).click();
  await page.getByRole("menuitem", { name: "Delete…" }).click();
  await submit(page, "Delete");
  await line.waitFor({ state: "detached" });
  expect(unexpected(problems)).toEqual([]);
});

test("on the page of executions, the way to pipelines is marked", async () => {
  const { page } = await on.open("/default/executions");
  const ways = page.getByRole("navigation", { name: "Lifecycle" });
  expect(await ways.locator("[data-holds], [data-status=active]").allTextContents()).toEqual(["Pipelines"]);
});

test("events go to a file, which is tried out, paused and ended; what is no address is refused at its field", async () => {
  const name = `archive-${Date.now()}`;
  const { page, problems } = await on.open("/default/ledger?tab=subscriptions");
  await page.getByRole("button", { name: "Subscribe…" }).click();
  await field(page, "Name").first().fill(name);
  await field(page, "Url").fill("ftp://example.org");
  await submit(page, "Subscribe");
  await refused(page, "Url", /http/);
  await field(page, "To").selectOption("file");
  await field(page, "Name").last().fill(name);
  await field(page, "Which").fill("ledger.*");
  expect(await axe(page)).toEqual([]);
  await submit(page, "Subscribe");
  await dialog(page)
    .getByText(/signed by this secret/)
    .waitFor();
  await submit(page, "Done");
  const line = page.getByRole("article", { name: `Subscription ${name}` });
  await line.getByText("Works").waitFor();
  await line.getByRole("button", { name: "Test" }).click();
  await page.getByText(new RegExp(`${name} took an event in`)).waitFor();
  await line.getByRole("button", { name: "Pause" }).click();
  await line.getByText("Paused").waitFor();
  await line.getByRole("button", { name: "Resume" }).click();
  await line.getByText("Works").waitFor();
  await expect.poll(() => line.textContent(), { timeout: 20_000 }).not.toContain("nothing yet"); // it got what happened
  await line.getByRole("button", { name: `More about ${name}` }).click();
  await page.getByRole("menuitem", { name: "Send again…" }).click();
  await field(page, "Events").selectOption("in a time span");
  await page.getByLabel("From (UTC)").fill("2012-01-01T00:00:00");
  await page.getByLabel("Up to (UTC)").fill("2012-01-01T00:00:01");
  await submit(page, "Send again");
  await refused(page, "Up to \\(UTC\\)", /nothing had happened by then/);
  await page.getByLabel("Up to (UTC)").fill("2013-02-01T00:00:00");
  await submit(page, "Send again");
  await page.getByText(`Sending events to ${name} again`).waitFor();
  await line.getByRole("button", { name: `More about ${name}` }).click();
  await page.getByRole("menuitem", { name: "End…" }).click();
  await submit(page, "End");
  await line.waitFor({ state: "detached" });
  expect(unexpected(problems)).toEqual([]);
});

test("a dataset is tagged, found by its tag, and the tag taken away", async () => {
  const tag = `gold-${Date.now()}`;
  const { page, problems } = await on.open("/default/data/weather");
  await page.getByRole("button", { name: /(Add|Change) tags/ }).click();
  await field(page, "Tags").fill(`hourly ${tag} not/one`);
  await submit(page, "Save");
  await refused(page, "Tags", /not a name of a tag/);
  await field(page, "Tags").fill(`hourly ${tag}`);
  await submit(page, "Save");
  await page.getByRole("link", { name: tag }).click();
  await page.waitForURL(/data\?filter=gold-/);
  await page.getByText("1 of").waitFor();
  await page.getByRole("grid", { name: "Datasets" }).getByRole("link", { name: "weather" }).waitFor();
  await page.keyboard.press("Control+k");
  await page.keyboard.type(tag);
  await page
    .getByRole("option", { name: /weather/ })
    .first()
    .click();
  await page.waitForURL(/data\/weather/);
  await page.getByRole("button", { name: "Change tags" }).click();
  await field(page, "Tags").fill("");
  await submit(page, "Save");
  await page.getByRole("button", { name: "Add tags" }).waitFor();
  expect(unexpected(problems)).toEqual([]);
});
