import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const SRC = fileURLToPath(new URL("../src", import.meta.url));
const IMPORT = /(?:from|import)\s*\(?\s*"(\.[^"]+)"/g;
const LINES_MAX = 300;
const sources = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter(
  (path) => /\.tsx?$/.test(path) && path !== join("kernel", "api", "schema.ts"),
);

const layerOf = (path: string) => path.split(/[\\/]/)[0] ?? "";

/** kernel ← ui ← a slice ← app; a slice never imports another. */
function mayImport(from: string, to: string): boolean {
  if (from === to || from === "app" || to === "kernel") return true;
  return to === "ui" && from !== "kernel";
}

test.each(sources)("%s imports only what lies below it", (path) => {
  const text = readFileSync(join(SRC, path), "utf8");
  for (const [, target = ""] of text.matchAll(IMPORT)) {
    const to = layerOf(relative(SRC, join(SRC, dirname(path), target)));
    expect(mayImport(layerOf(path), to), `${path} imports ${target}`).toBe(true);
  }
});

test.each(sources)("%s holds one idea", (path) => {
  expect(readFileSync(join(SRC, path), "utf8").split("\n").length).toBeLessThanOrEqual(LINES_MAX);
});
