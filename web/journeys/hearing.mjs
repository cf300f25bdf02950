// A page that hears a hundred thousand events: whether its memory grows with them. Used by measure.mjs.
import { settled, url } from "./browser.mjs";

const BATCHES = [10_000, 40_000, 50_000];
const VERBS = ["run.started", "run.finished", "dataset.delivered", "model.registered", "finding.raised"];

/** @param {number} first @param {number} count */
function stream(first, count) {
  const lines = ["retry: 300\n\n"];
  for (let seq = first; seq < first + count; seq++) {
    const event = { seq, subject: `run:r${seq}`, verb: VERBS[seq % VERBS.length] };
    lines.push(`id: ${seq}\ndata: ${JSON.stringify(event)}\n\n`);
  }
  return lines.join("");
}

/**
 * The heap after a collection, and how many nodes and listeners there are, before the events and after each batch of them.
 * @param {import("playwright-core").BrowserContext} context
 */
export async function hearing(context) {
  const page = await context.newPage();
  const waiting = /** @type {((body: string) => void)[]} */ ([]);
  await page.route("**/api/v1/live*", async (route) => {
    const body = await /** @type {Promise<string>} */ (new Promise((resolve) => waiting.push(resolve)));
    await route.fulfill({ headers: { "content-type": "text/event-stream" }, body }).catch(() => undefined);
  });
  await page.goto(`${url}/default`);
  await settled(page);
  const devtools = await context.newCDPSession(page);
  const looked = async () => {
    await page.waitForTimeout(1500); // what the events made stale is asked for again, and stands
    await devtools.send("HeapProfiler.collectGarbage");
    const { usedSize } = await devtools.send("Runtime.getHeapUsage");
    const { nodes, jsEventListeners } = await devtools.send("Memory.getDOMCounters");
    return { bytes: usedSize, nodes, listeners: jsEventListeners };
  };
  const send = async (/** @type {number} */ first, /** @type {number} */ count) => {
    while (waiting.length === 0) await page.waitForTimeout(20);
    waiting.shift()?.(stream(first, count));
    while (waiting.length === 0) await page.waitForTimeout(20); // it has read all and comes again
  };
  await send(1, 1000);
  const seen = [{ events: 0, ...(await looked()) }];
  let events = 0;
  for (const count of BATCHES) {
    await send(1001 + events, count);
    events += count;
    seen.push({ events, ...(await looked()) });
  }
  for (const resolve of waiting) resolve("");
  await page.close();
  return seen;
}
