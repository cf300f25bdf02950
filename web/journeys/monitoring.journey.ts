import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { axe, settled } from "./browser.mjs";
import { travel } from "./travel";

const on = travel();

/** How many findings the inbox says are open. */
async function open(page: Page): Promise<number> {
  const words = await page.getByRole("button", { name: /^Open \d+$/ }).textContent();
  return Number(words?.replace(/\D/g, ""));
}

test("an operator asks what drifted, and looks at it then and now", async () => {
  const { page, problems } = await on.open("/default/monitors");
  await page.getByRole("grid", { name: "Monitors" }).getByRole("link", { name: "late" }).first().click();
  await page.getByText(/features drifted, most of all/).waitFor();
  const heat = page.getByRole("grid", { name: "Drift: features by window" });
  await page.getByRole("img", { name: /shares of the rows of the reference and of the window/ }).waitFor();
  await heat.locator("[tabindex='0']").focus();
  await page.keyboard.press("ArrowDown");
  const second = await page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? "");
  await page.keyboard.press("Enter");
  await page.waitForURL(/feature=/);
  const feature = new URL(page.url()).searchParams.get("feature") ?? "";
  expect(second).toContain(feature);
  const cell = page.getByRole("region", { name: "The open cell" });
  await cell.getByRole("heading", { name: feature }).waitFor();
  await cell.getByText(/The rule alarms in \d+ of \d+ draws of unchanged data/).waitFor();
  await cell.getByRole("button", { name: "Cumulative" }).click();
  await page.getByRole("img", { name: `${feature}: share of rows below each value` }).waitFor();
  expect(new URL(page.url()).searchParams.get("draw")).toBe("cumulative");
  await page.reload();
  await page.getByRole("img", { name: `${feature}: share of rows below each value` }).waitFor();
  await page.getByRole("button", { name: "Quality" }).click();
  await page.getByRole("grid", { name: "Quality: features by window" }).waitFor();
  await settled(page);
  expect([...problems, ...(await axe(page))]).toEqual([]);
});

test("a finding is opened from the inbox, seen, and acknowledged by keyboard; the inbox falls by one", async () => {
  const { page, problems } = await on.open("/default/findings?kind=drift");
  await page.getByRole("heading", { level: 2 }).first().waitFor();
  const before = await open(page);
  await page.keyboard.press("j");
  await page.waitForURL(/finding=/);
  const id = new URL(page.url()).searchParams.get("finding");
  const pane = page.getByRole("article");
  await pane.getByText("Not acknowledged yet.").waitFor();
  await pane.getByText(/tolerated .* corrected for all drift tests of the window/).waitFor();
  await pane
    .getByRole("img", { name: /reference and of the window|below each value/ })
    .or(pane.locator(".dumbbells"))
    .waitFor();
  const named = (await pane.getByRole("heading", { level: 2 }).first().textContent()) ?? "";
  await page.keyboard.press("a");
  const dialog = page.getByRole("dialog", { name: new RegExp(`^Acknowledge ${named} in`) });
  await dialog.getByRole("textbox").waitFor();
  expect(await axe(page)).toEqual([]);
  const note = `the season, seen by the journey ${Date.now()}`;
  await dialog.getByRole("textbox").fill(note);
  await dialog.getByRole("button", { name: "Acknowledge" }).click();
  await pane.getByText(`“${note}”`).first().waitFor();
  await pane.getByRole("region", { name: "History" }).getByText("acknowledged it").waitFor();
  await expect.poll(() => open(page), { timeout: 3000 }).toBe(before - 1);
  expect(await page.locator(`#finding-${id}`).count()).toBe(0);
  expect(await pane.getByRole("button", { name: "Acknowledge…" }).isDisabled()).toBe(true);
  await page.keyboard.press("j");
  await page.waitForURL((to) => to.searchParams.get("finding") !== id);
  await page.getByRole("button", { name: /^Acknowledged \d+$/ }).click();
  await page.locator(`#finding-${id}`).waitFor();
  await settled(page);
  expect([...problems, ...(await axe(page))]).toEqual([]);
});

test("a silence asks until when and why, and is told on the page of the monitor", async () => {
  const { page, problems } = await on.open("/default/monitors/late");
  await page.getByRole("button", { name: "Silence…" }).click();
  const dialog = page.getByRole("dialog", { name: "Silence late?" });
  await dialog.getByRole("button", { name: "Silence" }).click();
  expect(await dialog.isVisible()).toBe(true); // without a reason nothing is sent
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Silence…");
  await page.keyboard.press("Enter");
  await dialog.getByLabel("Findings about").selectOption("weekday");
  const reason = `holidays ${Date.now()}`;
  await dialog.getByLabel("Reason").fill(reason);
  await dialog.getByRole("button", { name: "Silence" }).click();
  const silence = page.getByRole("row", { name: reason });
  await silence.getByRole("button", { name: "End the silence about weekday" }).click();
  const end = page.getByRole("dialog", { name: "End the silence about weekday?" });
  await end.getByLabel("Reason").fill("they are over");
  await end.getByRole("button", { name: "End silence" }).click();
  await silence.getByText("they are over").waitFor();
  expect(await silence.getByRole("button").count()).toBe(0);
  expect([...problems, ...(await axe(page))]).toEqual([]);
});

test("a window says what was measured and leads to its findings; at 390 px as well", async () => {
  const { page, problems } = await on.open("/default/monitors/late");
  await page.setViewportSize({ width: 390, height: 844 });
  await page
    .getByRole("link", { name: /^window / })
    .first()
    .click();
  await page.getByRole("heading", { level: 1, name: /^Window / }).waitFor();
  const table = page.getByRole("grid", { name: "Measurements" });
  await table.focus();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(/measured=/);
  await page
    .getByRole("region", { name: "The open measurement" })
    .getByText(/The rule alarms in/)
    .waitFor();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await page.getByRole("link", { name: "view findings" }).click();
  await page.waitForURL(/findings\?.*window=/);
  await page.locator(".finding-group").first().waitFor();
  expect(await page.locator(".finding-group").count()).toBe(1);
  expect(await page.getByRole("article").isVisible()).toBe(false);
  await page.locator(".finding-group a[id^=finding-]").first().click();
  await page.getByRole("article").waitFor();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await settled(page);
  expect([...problems, ...(await axe(page))]).toEqual([]);
});

test("an alert is acknowledged once", async () => {
  const { page, problems } = await on.open("/default/findings?show=alerts");
  const buttons = page.getByRole("button", { name: /^Acknowledge the alert on/ });
  await buttons.first().waitFor();
  const before = await buttons.count();
  await buttons.last().click();
  await page.getByRole("dialog").getByRole("textbox").fill("seen");
  await page.getByRole("dialog").getByRole("button", { name: "Acknowledge", exact: true }).click();
  await expect.poll(() => buttons.count(), { timeout: 3000 }).toBe(before - 1);
  expect([...problems, ...(await axe(page))]).toEqual([]);
});
