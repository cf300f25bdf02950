import { beforeAll, expect, test, vi } from "vitest";
import { safeBack } from "./way";

beforeAll(() => vi.stubGlobal("location", { origin: "http://127.0.0.1:8080" }));

test.each([
  "//evil.example/x",
  "https://evil.example",
  "/\\evil.example",
  "\\\\evil.example",
  "javascript:alert(1)",
  undefined,
  7,
])("%s leads home", (given) => expect(safeBack(given)).toBe("/"));

test("a path of ours leads back", () => expect(safeBack("/default/runs?sort=-loss")).toBe("/default/runs?sort=-loss"));
