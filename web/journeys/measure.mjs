// What bench/web.py lets a browser measure: OSTINATO_URL and OSTINATO_DATA as in browser.mjs; --demo for the pages of the demo, else --long RUN.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { launch, settled, signIn, url } from "./browser.mjs";
import { hearing } from "./hearing.mjs";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    demo: { type: "boolean", default: false },
    long: { type: "string" },
    runs: { type: "string" },
  },
});
const rounds = Number(values.rounds);
const WIDE = 66;
const DEMO = [
  "",
  "/data",
  "/data/flights",
  "/features",
  "/runs",
  "/pipelines",
  "/models",
  "/models/late",
  "/models/late/versions/8",
  "/endpoints",
  "/endpoints/late",
  "/monitors",
  "/monitors/late",
  "/findings",
  "/ledger",
  "/lineage/model:late@8",
  "/insights",
  "/access",
];

/** The runs in the order of a metric, with its interval: the heaviest rows that the table has. */
const SWEEP = "/runs?experiment=sweep&sort=-metrics.auc";

const browser = await launch();
try {
  const storageState = await signIn(browser);
  const context = await browser.newContext({ storageState, viewport: { width: 1440, height: 900 } });
  if (values.demo) for (const path of DEMO) await opening(context, path);
  else {
    await opening(context, "/runs");
    await opening(context, SWEEP);
    await scrolling(context);
    await jumping(context);
    await acting(context);
    await drawing(context, values.long ?? "");
    await resting(context);
    await tabs(context);
    await heard(context);
  }
} finally {
  await browser.close();
}

/** @param {string} what @param {number[]} found @param {string} unit */
function told(what, found, unit) {
  const sorted = [...found].sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const spread = sorted.length > 1 ? ` (${sorted[0]?.toFixed(1)} to ${sorted.at(-1)?.toFixed(1)})` : "";
  console.log(`${what.padEnd(WIDE)} ${middle.toFixed(1)} ${unit}${spread}`);
}

/** From asking for the address to the page's own heading with nothing left to load, a browser's cache warm but for the first round. */
async function opening(/** @type {import("playwright-core").BrowserContext} */ context, /** @type {string} */ path) {
  const shown = [];
  const complete = [];
  for (let round = 0; round < rounds; round++) {
    const page = await context.newPage();
    await page.goto(`${url}/default${path}`, { waitUntil: "commit" });
    shown.push(await since(page, "main h1"));
    complete.push(await since(page, "main h1", true));
    await page.close();
  }
  told(`${path || "/"}: heading painted`, shown, "ms");
  told(`${path || "/"}: nothing left to load`, complete, "ms");
}

/** @param {import("playwright-core").Page} page @param {string} what @returns {Promise<number>} milliseconds since the navigation began */
function since(page, what, whole = false) {
  return page.evaluate(
    ([selector, all]) =>
      new Promise((resolve) => {
        const look = () => {
          const there = document.querySelector(String(selector));
          const coming = all && document.querySelector("[data-skeleton], .skeleton, .data-coming");
          if (there && !coming) requestAnimationFrame(() => resolve(performance.now()));
          else requestAnimationFrame(look);
        };
        look();
      }),
    [what, whole],
  );
}

/** The table of runs, with the rows in it, and the length of every frame from now on in `seen`. */
async function table(/** @type {import("playwright-core").BrowserContext} */ context) {
  const page = await context.newPage();
  await page.goto(`${url}/default${SWEEP}`);
  const grid = page.getByRole("grid", { name: "Runs" });
  await grid.locator(".runs-name").first().waitFor();
  await settled(page);
  await page.evaluate(() => {
    const seen = /** @type {number[]} */ ([]);
    let last = performance.now();
    const tick = (/** @type {number} */ now) => {
      seen.push(now - last);
      last = now;
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    Object.assign(globalThis, { seen });
  });
  const box = await grid.boundingBox();
  if (!box) throw new Error("no table of runs");
  await page.mouse.move(box.x + box.width / 2, box.y + 200);
  return page;
}

/** The rows in view: their numbers, and whether each of them is there rather than on its way. */
function inView(/** @type {import("playwright-core").Page} */ page) {
  return page.evaluate(() => {
    const grid = document.querySelector('[role="grid"]');
    const { top, bottom } = /** @type {Element} */ (grid).getBoundingClientRect();
    const rows = [.../** @type {Element} */ (grid).querySelectorAll("[aria-rowindex]")].filter((row) => {
      const box = row.getBoundingClientRect();
      return row.querySelector('[role="gridcell"]') && box.bottom > top + 40 && box.top < bottom;
    });
    return {
      first: Number(rows[0]?.getAttribute("aria-rowindex")),
      whole: rows.length > 5 && rows.every((row) => row.querySelector(".runs-name")),
    };
  });
}

/** Frames while the table is scrolled by the wheel, 900 px at a time: over some thousand rows, most of which must be fetched. */
async function scrolling(/** @type {import("playwright-core").BrowserContext} */ context) {
  const page = await table(context);
  const from = await inView(page);
  await page.evaluate(() => {
    /** @type {any} */ (globalThis).seen.length = 0;
  });
  let empty = 0;
  for (let i = 0; i < 120; i++) {
    await page.mouse.wheel(0, 900);
    await page.waitForTimeout(16);
    if (i % 10 === 9 && !(await inView(page)).whole) empty += 1;
  }
  const frames = /** @type {number[]} */ (await page.evaluate(() => /** @type {any} */ (globalThis).seen));
  const to = await inView(page);
  told(`${values.runs} runs, scrolled over ${to.first - from.first} rows: frame, of ${frames.length}`, frames, "ms");
  console.log(`${"   frames longer than 50 ms".padEnd(WIDE)} ${frames.filter((ms) => ms > 50).length}`);
  console.log(`${"   looks that found a row still on its way, of 12".padEnd(WIDE)} ${empty}`);
  await page.close();
}

/** Far jumps, as by the scroll bar: how long until all rows there are shown, and the frames meanwhile. */
async function jumping(/** @type {import("playwright-core").BrowserContext} */ context) {
  const page = await table(context);
  const waits = [];
  await page.evaluate(() => {
    /** @type {any} */ (globalThis).seen.length = 0;
  });
  for (const share of [0.5, 0.25, 0.9, 0.05, 0.7, 1]) {
    const began = performance.now();
    await page.evaluate((to) => {
      const grid = document.querySelector('[role="grid"]');
      const box = [grid, ...(grid?.querySelectorAll("*") ?? []), grid?.parentElement].find(
        (one) => one && one.scrollHeight > one.clientHeight + 1000,
      );
      if (!box) throw new Error("nothing to scroll");
      box.scrollTop = to * (box.scrollHeight - box.clientHeight);
    }, share);
    while (!(await inView(page)).whole) await page.waitForTimeout(5);
    waits.push(performance.now() - began);
  }
  const frames = /** @type {number[]} */ (await page.evaluate(() => /** @type {any} */ (globalThis).seen));
  told("   a jump far away: all rows there", waits, "ms");
  console.log(`${"   frames longer than 50 ms meanwhile".padEnd(WIDE)} ${frames.filter((ms) => ms > 50).length}`);
  await page.close();
}

/** From a click to the next paint, as the browser itself counts it: ordering the table, ticking runs. Below 16 ms it does not say. */
async function acting(/** @type {import("playwright-core").BrowserContext} */ context) {
  const page = await table(context);
  await page.evaluate(() => {
    const acts = /** @type {number[]} */ ([]);
    const watch = /** @type {any} */ ({ type: "event", durationThreshold: 16 });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (/** @type {any} */ (entry).interactionId) acts.push(entry.duration);
    }).observe(watch);
    Object.assign(globalThis, { acts });
  });
  const acts = () => page.evaluate(() => /** @type {number[]} */ (/** @type {any} */ (globalThis).acts.splice(0)));
  for (let round = 0; round < rounds; round++) {
    for (const name of ["Started", "auc"]) {
      await page.getByRole("columnheader", { name }).getByRole("button").click();
      await settled(page);
    }
  }
  const ordered = await acts();
  for (let i = 0; i < 4 + rounds; i++) {
    await page.getByRole("grid", { name: "Runs" }).getByRole("checkbox").nth(i).click();
    await page.waitForTimeout(100);
  }
  const ticked = await acts();
  told("a click that orders the table, to the next paint", ordered.length ? ordered : [16], "ms");
  told("a tick, to the next paint", ticked.length ? ticked : [16], "ms");
  await page.close();
}

/** A run with a million points: from the address to its curve drawn, how much of that after its answer came, and a zoom into it. */
async function drawing(/** @type {import("playwright-core").BrowserContext} */ context, /** @type {string} */ run) {
  const [whole, after, zoomed] = /** @type {number[][]} */ ([[], [], []]);
  for (let round = 0; round < rounds; round++) {
    const page = await context.newPage();
    await page.goto(`${url}/default/runs/${run}`, { waitUntil: "commit" });
    const drawn = await curve(page, 1);
    whole?.push(drawn.at);
    after?.push(drawn.at - drawn.answered);
    const box = await page.locator("main canvas").first().boundingBox();
    if (!box) throw new Error("no curve");
    const y = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width * 0.5, y);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.52, y, { steps: 4 });
    const from = await page.evaluate(() => performance.now());
    await page.mouse.up();
    zoomed?.push((await curve(page, 2)).at - from);
    await page.close();
  }
  told("1 M points: from the address to the curve painted", whole ?? [], "ms");
  told("1 M points: from the answer to the curve painted", after ?? [], "ms");
  told("1 M points: a zoom to 20,000 of them, painted anew", zoomed ?? [], "ms");
}

/** @returns {Promise<{at: number, answered: number}>} when the first curve stood painted, and when its `n`th answer had come */
function curve(/** @type {import("playwright-core").Page} */ page, /** @type {number} */ n) {
  return page.evaluate(
    (count) =>
      new Promise((resolve) => {
        const look = () => {
          const answers = performance.getEntriesByType("resource").filter(({ name }) => name.includes("/outlines/"));
          const answered = /** @type {PerformanceResourceTiming | undefined} */ (answers[count - 1])?.responseEnd;
          const chart = document.querySelector("main figure.chart");
          if (answered && chart?.querySelector("canvas") && !chart.hasAttribute("data-busy"))
            requestAnimationFrame(() => resolve({ at: performance.now(), answered }));
          else requestAnimationFrame(look);
        };
        look();
      }),
    n,
  );
}

/** CPU of a page that nobody touches, over ten seconds, as a share of one core. */
async function resting(/** @type {import("playwright-core").BrowserContext} */ context) {
  const page = await context.newPage();
  await page.goto(`${url}/default`);
  await settled(page);
  const devtools = await context.newCDPSession(page);
  await devtools.send("Performance.enable");
  const busy = async () => {
    const { metrics } = await devtools.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration")?.value ?? Number.NaN;
  };
  await page.waitForTimeout(3_000);
  const before = await busy();
  await page.waitForTimeout(10_000);
  told("a page at rest, share of a core", [((await busy()) - before) * 10], "%");
  await page.close();
}

/** Eight tabs at once: how many streams of events they open, and how soon all of them show what a program does. */
async function tabs(/** @type {import("playwright-core").BrowserContext} */ context) {
  let streams = 0;
  context.on("request", (request) => {
    if (new URL(request.url()).pathname === "/api/v1/live") streams += 1;
  });
  const pages = [];
  for (let i = 0; i < 8; i++) {
    const page = await context.newPage();
    await page.goto(`${url}/default/models`);
    await settled(page);
    pages.push(page);
  }
  const token = readFileSync(join(process.env.OSTINATO_DATA ?? "", "admin-token"), "utf8").trim();
  const shown = [];
  for (let round = 0; round < rounds; round++) {
    const name = `m${Date.now()}`;
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const began = performance.now();
    const reply = await fetch(`${url}/api/v1/models`, { method: "POST", headers, body: JSON.stringify({ name }) });
    if (!reply.ok) throw new Error(`${reply.status} ${await reply.text()}`);
    await Promise.all(pages.map((page) => page.getByRole("link", { name }).waitFor({ state: "attached" })));
    shown.push(performance.now() - began);
  }
  told("eight tabs: a change shown on all of them", shown, "ms");
  told("eight tabs: streams of events", [streams], "");
  for (const page of pages) await page.close();
}

/** The memory of a page that hears 100,000 events. */
async function heard(/** @type {import("playwright-core").BrowserContext} */ context) {
  for (const { events, bytes, nodes, listeners } of await hearing(context))
    console.log(
      `${`   after ${events} events: heap, nodes, listeners`.padEnd(WIDE)} ${(bytes / 1e6).toFixed(2)} MB, ${nodes}, ${listeners}`,
    );
}
