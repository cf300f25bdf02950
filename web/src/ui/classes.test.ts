import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const SOURCE = fileURLToPath(new URL("..", import.meta.url));

/** The classes that a style sheet's selectors begin with. */
function leading(file: string): Set<string> {
  const text = readFileSync(`${SOURCE}/${file}`, "utf8").replace(/\/\*.*?\*\//gs, "");
  return new Set([...text.matchAll(/(?:^|[},{])\s*\.([a-z][\w-]*)/g)].map(([, name = ""]) => name));
}

test("a class belongs to one slice: all style sheets that were ever opened count on every page", () => {
  const owners = new Map<string, Set<string>>();
  const sheets = readdirSync(SOURCE, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".css"));
  for (const file of sheets) {
    const slice = file.split("/")[0] ?? "";
    if (slice !== "ui") for (const name of leading(file)) owners.set(name, (owners.get(name) ?? new Set()).add(slice));
  }
  expect(owners.size).toBeGreaterThan(300);
  expect([...owners].filter(([, slices]) => slices.size > 1).map(([name]) => name)).toEqual([]);
});
