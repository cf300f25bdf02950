import { expect, test } from "vitest";
import { browserOf } from "./browser-of";

test("a browser is known by its name, its number and its system", () => {
  const linux = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
  expect(browserOf(linux)).toBe("Chrome 156 on Linux");
  expect(browserOf(`${linux} Edg/156.0`)).toBe("Edge 156 on Linux");
  expect(browserOf("python-httpx/0.28")).toBe("python-httpx/0.28");
  expect(browserOf("")).toBe("unknown");
});
