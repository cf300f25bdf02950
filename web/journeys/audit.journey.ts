import { expect, test } from "vitest";
import { axe, settled } from "./browser.mjs";
import { travel } from "./travel";

const on = travel();

test("an auditor answers: what was in production on 3 May, and why?", async () => {
  const { page, problems } = await on.open("/default/models");
  await page.getByRole("link", { name: "late", exact: true }).click();
  await settled(page);
  expect(await page.getByRole("region", { name: "In production", exact: true }).count()).toBe(1); // that of now

  await page.getByLabel("As of").fill("2013-05-03");
  await page.waitForURL(/\?at=2013-05-03$/);
  await page.getByRole("status").getByText("As of 2013-05-03 00:00 UTC").waitFor();
  const then = page.getByRole("region", { name: "In production then" });
  await then.getByRole("link", { name: "late@1", exact: true }).waitFor();
  for (const why of [
    "since 2013-04-02",
    "ben",
    "gates passed, calibration and gaps between carriers reviewed",
    "6 of 6 gates",
  ])
    await then.getByText(why).first().waitFor();
  const box = await then.boundingBox();
  expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThan(900); // in one look
  expect(await page.getByRole("table", { name: "Every version" }).getByRole("row").count()).toBe(3); // head, and two versions
  expect(await page.getByText("late@4").count()).toBe(0); // nothing that came later
  expect(await axe(page)).toEqual([]);

  await page.reload();
  await then.getByRole("link", { name: "late@1", exact: true }).waitFor();
  await page.getByRole("button", { name: "Back to now" }).click();
  await page.getByRole("region", { name: "In production", exact: true }).waitFor();
  expect(problems).toEqual([]);
});

test("from the past of a model into that of its version, where nothing can be done, and back to now", async () => {
  const { page, problems } = await on.open("/default/models/late?at=2013-05-03");
  await page.getByRole("table", { name: "Every version" }).getByRole("link", { name: "late@2", exact: true }).click();
  await page.waitForURL(/versions\/2\?at=2013-05-03$/);
  await page.getByText("Ready to promote").waitFor(); // approved then, and promoted only later
  await page.getByText("Compared with late@1").waitFor(); // the champion of that day
  expect(await page.getByText("promoted to champion").count()).toBe(0);
  for (const verb of ["Approve", "Reject", "Promote"]) {
    const button = page.getByRole("button", { name: verb });
    expect(await button.isDisabled()).toBe(true);
    expect(await button.getAttribute("title")).toContain("this is how it was at 2013-05-03");
  }
  expect(await axe(page)).toEqual([]);
  await page.getByRole("button", { name: "Back to now" }).click();
  await page.getByText("promoted to champion").waitFor();
  await page.goBack();
  await page.getByText("Ready to promote").waitFor();
  await page.getByRole("navigation", { name: "Breadcrumb" }).getByRole("link", { name: "late" }).click();
  await page.getByRole("region", { name: "In production then" }).waitFor();
  expect(problems).toEqual([]);
});

test("a moment before the model says so, and where to look", async () => {
  const { page } = await on.open("/default/models/late?at=2012-05-03");
  await page.getByRole("alert").filter({ hasText: "there was no model late" }).waitFor();
  await page.getByRole("button", { name: "Back to now" }).click();
  await page.getByRole("region", { name: "In production", exact: true }).waitFor();
});

test("a version shows its evidence: gates, champion, calibration, slices, card, signature", async () => {
  const { page, problems } = await on.open("/default/models/late/versions/3");
  await page.getByText("Ready to promote").waitFor();
  await page.getByRole("table", { name: "Metrics beside the champion's" }).getByText("AUC").waitFor();
  await page.getByRole("img", { name: /Calibration in 10 bins/ }).waitFor();
  const slices = page.getByRole("table", { name: /by carrier, worst first/ });
  await slices.waitFor();
  await page.getByLabel("Metric", { exact: true }).selectOption("brier");
  await page.waitForURL(/metric=brier/);
  await page.getByRole("table", { name: "Brier by carrier, worst first" }).waitFor();
  await page.getByRole("tab", { name: "Card" }).click();
  await page.getByRole("heading", { name: "Intended use" }).waitFor();
  await page.getByRole("tab", { name: "Origin, trust and signature" }).click();
  await page.getByRole("table", { name: "Inputs" }).getByText("departure_hour").waitFor();
  expect(await axe(page)).toEqual([]);
  expect(problems).toEqual([]);
});
