// The bundle's budget, in kB (1000 bytes) of gzip: what index.html names, and each page beyond that. `node scripts/budget.mjs [FOLDER]`
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const SHELL_KB = 130;
const CHUNK_KB = 90;
const folder = process.argv[2] ?? fileURLToPath(new URL("../../src/ostinato/server/static", import.meta.url));

/** @param {string} name */
const kb = (name) => gzipSync(readFileSync(join(folder, name)), { level: 9 }).length / 1000;
const html = readFileSync(join(folder, "index.html"), "utf8");
const named = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.(?:js|css))"/g)].map(([, name]) => name ?? "");
const shell = named.reduce((sum, name) => sum + kb(name), kb("index.html"));
const lazy = readdirSync(join(folder, "assets"))
  .filter((name) => /\.(js|css)$/.test(name) && !named.includes(`assets/${name}`))
  .map((name) => /** @type {const} */ ([name, kb(`assets/${name}`)]))
  .sort((a, b) => b[1] - a[1]);

console.log(`shell ${shell.toFixed(1)} of ${SHELL_KB} kB in ${named.length} files; largest of ${lazy.length} others:`);
for (const [name, size] of lazy.slice(0, 8)) console.log(`  ${size.toFixed(1).padStart(6)}  ${name}`);
const over = [
  ...(shell > SHELL_KB ? ["the shell"] : []),
  ...lazy.filter(([, size]) => size > CHUNK_KB).map(([name]) => name),
];
if (over.length) {
  console.error(`over budget: ${over.join(", ")}`);
  process.exit(1);
}
