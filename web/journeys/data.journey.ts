import { expect, test } from "vitest";
import { axe, settled, url } from "./browser.mjs";
import { travel } from "./travel";

const on = travel();

test("a data engineer finds why a delivery was quarantined", async () => {
  const { page, problems } = await on.open("/default");
  await page.getByRole("navigation", { name: "Lifecycle" }).getByRole("link", { name: "Data" }).click();
  await page.getByRole("heading", { level: 1, name: "Data" }).waitFor();
  await page
    .getByRole("row")
    .filter({ hasText: "flights" })
    .getByRole("img", { name: "Last deliveries to flights: 1 quarantined" })
    .waitFor();
  await page.getByRole("grid", { name: "Datasets" }).getByRole("link", { name: "flights" }).click();
  const why = page.getByRole("region", { name: "Why 2013-02 was quarantined" });
  await why.getByText("Accepted in attempt 2").waitFor();
  const reasons = why.getByRole("button", { name: "failed" });
  await expect.poll(() => reasons.count()).toBe(3);
  expect(await reasons.nth(1).textContent()).toContain("distance must be between 1 and 6\u202f000");
  expect(await reasons.nth(2).textContent()).toMatch(/dest must occur in airports\.faa.*XQX.*28 of 24\u202f991 rows/);
  await reasons.nth(1).click();
  const rows = why.getByRole("table", { name: "Rows that fail in_range of distance" }).getByRole("row");
  await expect.poll(() => rows.count()).toBe(11);
  expect(await rows.nth(1).getByRole("cell").allTextContents()).toEqual(
    expect.arrayContaining(["7", "−1389", "AA707-LGA-20130201T1100"]),
  );
  await expect.poll(() => new URL(page.url()).searchParams.get("check")).toBe("in_range:distance");
  await page.reload();
  await rows.nth(1).getByText("−1389").waitFor();
  await settled(page);
  expect(await axe(page)).toEqual([]);
  expect(problems).toEqual([]);
  await page.close();
});

test("what changed from one version to the next, and what is in a column", async () => {
  const { page, problems } = await on.open("/default/data/flights?version=3");
  await page.getByRole("button", { name: "distance", exact: true }).click();
  await page
    .getByRole("dialog", { name: "distance, int64" })
    .getByRole("img", { name: "Histogram of distance" })
    .waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "What changed" }).click();
  await page.waitForURL(`${url}/default/data/flights/diff?a=2&b=3`);
  await page.getByText("28\u202f834 rows added between version 2 and 3; the columns are the same.").waitFor();
  const shifts = page.getByRole("listitem").filter({ has: page.getByRole("heading", { level: 3 }) });
  expect(await shifts.first().getByRole("heading").textContent()).toBe("month");
  await page.getByRole("button", { name: "Timestamps 3" }).click();
  await expect.poll(() => shifts.count()).toBe(3);
  await expect.poll(() => new URL(page.url()).searchParams.get("of")).toBe("instants");
  expect(await axe(page)).toEqual([]);
  expect(problems).toEqual([]);
  await page.close();
});

test("what a view says of a key as of an instant is kept in the address", async () => {
  const { page, problems } = await on.open("/default/features");
  await page.getByRole("grid", { name: "Feature views" }).getByRole("link", { name: "route" }).click();
  await page.getByLabel("origin").fill("EWR");
  await page.getByLabel("dest").fill("ORD");
  await page.getByLabel("As of, UTC").fill("2013-05-03T10:00");
  const values = page.getByRole("table", { name: "Values" });
  const late = values.getByRole("row").filter({ hasText: "late_7d" });
  await expect.poll(() => new URL(page.url()).searchParams.get("at") ?? "").toContain("2013-05-03T10:00");
  await page.reload();
  await expect.poll(() => late.getByRole("cell").nth(1).textContent()).toMatch(/^0\.\d+$/);
  const then = await late.getByRole("cell").nth(1).textContent();
  await page.reload();
  await expect.poll(() => late.getByRole("cell").nth(1).textContent()).toBe(then);
  await page.getByLabel("dest").fill("nowhere");
  await expect.poll(() => late.getByRole("cell").nth(1).textContent()).toBe("null");
  await settled(page);
  expect(await axe(page)).toEqual([]);
  expect(problems).toEqual([]);
  await page.close();
});
