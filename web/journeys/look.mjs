// node journeys/look.mjs [--out FOLDER] [--width 1440] [--theme dark] PATH…: pictures of pages at 1440 and 390 px, light and dark, and what is wrong with them.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { axe, launch, settled, signIn, url, watched } from "./browser.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: "string", default: "looks" },
    width: { type: "string", multiple: true },
    theme: { type: "string", multiple: true },
  },
});
const widths = (values.width ?? ["1440", "390"]).map(Number);
const themes = /** @type {("light" | "dark")[]} */ (values.theme ?? ["light", "dark"]);
mkdirSync(values.out, { recursive: true });
const browser = await launch();
let wrong = 0;
try {
  const storageState = await signIn(browser);
  for (const width of widths) {
    for (const colorScheme of themes) {
      const context = await browser.newContext({
        storageState,
        colorScheme,
        viewport: { width, height: width > 720 ? 900 : 844 },
        hasTouch: width <= 720,
      });
      for (const path of positionals) await look(context, path, `${width}-${colorScheme}`);
      await context.close();
    }
  }
} finally {
  await browser.close();
}
process.exitCode = wrong ? 1 : 0;

/**
 * @param {import("playwright-core").BrowserContext} context
 * @param {string} path
 * @param {string} manner
 */
async function look(context, path, manner) {
  const page = await context.newPage();
  const problems = await watched(page);
  await page.goto(url + path);
  await settled(page);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (wide > 0) problems.push(`wider than the window by ${wide} px`);
  problems.push(...(await axe(page)));
  const place = path.replace(/[^\w@.-]+/g, "_").replace(/^_|_$/g, "") || "start";
  const name = `${place.slice(0, 160)}-${manner}.png`;
  await page.screenshot({ path: join(values.out, name), fullPage: true });
  wrong += problems.length;
  console.log(`${name}${problems.length ? "" : "  fine"}`);
  for (const problem of problems) console.log(`   ${problem}`);
  await page.close();
}
