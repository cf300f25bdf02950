// What bench/web.py lets a browser measure: OSTINATO_URL and OSTINATO_DATA as in browser.mjs; --demo for the pages of the demo, else --long RUN.
import { parseArgs } from "node:util";
import { launch, settled, signIn, url } from "./browser.mjs";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    demo: { type: "boolean", default: false },
    long: { type: "string" },
    runs: { type: "string" },
  },
});
const rounds = Number(values.rounds);
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

const browser = await launch();
try {
  const storageState = await signIn(browser);
  const context = await browser.newContext({ storageState, viewport: { width: 1440, height: 900 } });
  if (values.demo) for (const path of DEMO) await opening(context, path);
  else {
    await opening(context, "/runs");
    await scrolling(context);
    await drawing(context, values.long ?? "");
    await resting(context);
    await tabs(context);
  }
} finally {
  await browser.close();
}

/** @param {string} what @param {number[]} found @param {string} unit */
function told(what, found, unit) {
  const sorted = [...found].sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const spread = sorted.length > 1 ? ` (${sorted[0]?.toFixed(1)} to ${sorted.at(-1)?.toFixed(1)})` : "";
  console.log(`${what.padEnd(58)} ${middle.toFixed(1)} ${unit}${spread}`);
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

/** Frames while the table of runs is scrolled by hand, far and near, and the time from a click on a heading to the next paint. */
async function scrolling(/** @type {import("playwright-core").BrowserContext} */ context) {
  const page = await context.newPage();
  await page.goto(`${url}/default/runs`);
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
    const watch = /** @type {any} */ ({ type: "event", durationThreshold: 16, buffered: true });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (/** @type {any} */ (entry).interactionId) acts.push(entry.duration);
    }).observe(watch);
    const acts = /** @type {number[]} */ ([]);
    Object.assign(globalThis, { seen, acts });
  });
  const grid = page.getByRole("grid", { name: "Runs" });
  const box = await grid.boundingBox();
  if (!box) throw new Error("no table of runs");
  await page.mouse.move(box.x + box.width / 2, box.y + 200);
  await page.evaluate(() => {
    /** @type {any} */ (globalThis).seen.length = 0;
  });
  for (let i = 0; i < 120; i++) {
    await page.mouse.wheel(0, i % 40 === 39 ? 400_000 : 900);
    await page.waitForTimeout(16);
  }
  const frames = /** @type {number[]} */ (await page.evaluate(() => /** @type {any} */ (globalThis).seen));
  told(`${values.runs} runs, scrolled: frame, of ${frames.length}`, frames, "ms");
  console.log(`${"   frames longer than 50 ms".padEnd(58)} ${frames.filter((ms) => ms > 50).length}`);
  for (let round = 0; round < rounds; round++) {
    await page.getByRole("columnheader", { name: "Started" }).getByRole("button").click();
    await settled(page);
  }
  const acts = /** @type {number[]} */ (await page.evaluate(() => /** @type {any} */ (globalThis).acts));
  told("a click on a heading, to the next paint", acts.length ? acts : [16], "ms");
  await page.close();
}

/** A run with a million points: from the address to its curve drawn, and a stretch of it when it is zoomed into. */
async function drawing(/** @type {import("playwright-core").BrowserContext} */ context, /** @type {string} */ run) {
  const drawn = [];
  for (let round = 0; round < rounds; round++) {
    const page = await context.newPage();
    const asked = page.waitForResponse((reply) => reply.url().includes("/outlines/"));
    await page.goto(`${url}/default/runs/${run}`, { waitUntil: "commit" });
    const reply = await asked;
    await reply.finished();
    const from = await page.evaluate(() => performance.now());
    drawn.push((await since(page, "main canvas")) - from);
    await page.close();
  }
  told("1 M points: from the answer to the curve painted", drawn, "ms");
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

/** Eight tabs at once: how many streams of events the server sees, and whether all of them answer. */
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
  told("eight tabs: streams of events", [streams], "");
  for (const page of pages) await page.close();
}
