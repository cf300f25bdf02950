// A browser on a real server, for journeys and for looking: OSTINATO_URL names the server; OSTINATO_CODE is a one-time code, or OSTINATO_DATA the folder
// of a store on this machine, whose administrator asks for one.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

export const url = (process.env.OSTINATO_URL ?? "http://127.0.0.1:8080").replace(/\/$/, "");
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** The rules that look at colours: all that a page in its other theme can break. */
export const COLOURS = ["color-contrast", "link-in-text-block"];

const KNOWN = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"].find((path) => existsSync(path));

/** @returns {Promise<import("playwright-core").Browser>} */
export function launch() {
  const executablePath = process.env.CHROMIUM ?? KNOWN ?? "chromium";
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--process-per-site"] }); // to begin a process takes as long as a page
}

/** A fresh one-time code of the administrator. */
export async function code() {
  if (process.env.OSTINATO_DATA === undefined) return process.env.OSTINATO_CODE ?? "";
  const token = readFileSync(join(process.env.OSTINATO_DATA, "admin-token"), "utf8").trim();
  const headers = { authorization: `Bearer ${token}` };
  const reply = await fetch(`${url}/api/v1/access/actors/person:admin/codes`, { method: "POST", headers });
  return /** @type {{ code: string }} */ (await reply.json()).code;
}

/**
 * Signs in by a one-time code, as the page of the one-time address does, and returns what a browser keeps of it, for further contexts.
 * @param {import("playwright-core").Browser} browser
 */
export async function signIn(browser) {
  const context = await browser.newContext();
  const given = { headers: { origin: url }, data: { code: await code() } };
  const reply = await context.request.post(`${url}/api/v1/sign-in/code`, given);
  if (!reply.ok()) throw new Error(`no sign-in: ${reply.status()} ${await reply.text()}`);
  const state = await context.storageState();
  await context.close();
  return state;
}

/**
 * Collects all that a page must not do: log an error, break the policy, ask another host.
 * @param {import("playwright-core").Page} page
 * @returns {Promise<string[]>}
 */
export async function watched(page) {
  /** @type {string[]} */
  const problems = [];
  listened(page);
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`console: ${message.text()} ${message.location().url}`);
  });
  page.on("pageerror", (error) => problems.push(`error: ${error.message}`));
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol.startsWith("http") && origin !== new URL(url).origin) problems.push(`another host: ${request.url()}`);
  });
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`),
    );
  });
  return problems;
}

/** What a page has asked for and not got yet, of those that are `watched`; the stream of events never ends. */
const asked = /** @type {WeakMap<import("playwright-core").Page, Set<import("playwright-core").Request>>} */ (
  new WeakMap()
);
const FRAMES = 3;

/** @param {import("playwright-core").Page} page */
function listened(page) {
  const open = new Set();
  asked.set(page, open);
  page.on("request", (request) => request.url().includes("/api/v1/live") || open.add(request));
  page.on("requestfinished", (request) => open.delete(request));
  page.on("requestfailed", (request) => open.delete(request));
}

/**
 * Waits until nothing is being loaded any more: no skeleton is shown, and after some frames more nothing is asked for.
 * @param {import("playwright-core").Page} page
 */
export async function settled(page) {
  const open = asked.get(page);
  const until = Date.now() + 15_000;
  do {
    await page
      .waitForFunction(
        () => document.querySelector("h1") && !document.querySelector("[data-skeleton], .skeleton, .data-coming"),
        { timeout: Math.max(1, until - Date.now()) },
      )
      .catch(() => undefined);
    if (open) await frames(page);
    else await page.waitForTimeout(250);
  } while (open?.size && Date.now() < until);
}

/** @param {import("playwright-core").Page} page */
function frames(page) {
  return page.evaluate(async (count) => {
    for (let seen = 0; seen < count; seen++) await new Promise(requestAnimationFrame);
  }, FRAMES);
}

/**
 * Waits until what turned, colours for one, is as it stays.
 * @param {import("playwright-core").Page} page
 */
async function still(page) {
  await frames(page);
  await page.evaluate(async () => {
    const ending = document.getAnimations().filter((a) => Number.isFinite(a.effect?.getComputedTiming().endTime));
    await Promise.allSettled(ending.map((animation) => animation.finished));
  });
}

/**
 * What axe finds, by all rules or by these, a line each.
 * @param {import("playwright-core").Page} page
 * @param {string[]} [rules]
 * @returns {Promise<string[]>}
 */
export async function axe(page, rules) {
  await still(page);
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(AXE);
  const found = await page.evaluate(
    (runOnly) =>
      /** @type {any} */ (globalThis).axe.run({
        runOnly,
        resultTypes: ["violations"], // what is well is not described
        preload: false, // no rule of these reads style sheets, no page has media
      }),
    rules ? { type: "rule", values: rules } : { type: "tag", values: RULES },
  );
  return found.violations.map(
    (/** @type {any} */ v) =>
      `axe ${v.id}: ${v.help} — ${v.nodes.length}× ${v.nodes
        .slice(0, 3)
        .map((/** @type {any} */ n) => n.target.join(" "))
        .join(" | ")}`,
  );
}
