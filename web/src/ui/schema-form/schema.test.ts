import { expect, test } from "vitest";
import { blank, problems, type Schema, shapeOf, wayOf } from "./schema";

const schema: Schema = {
  type: "object",
  required: ["name", "rate", "way"],
  properties: {
    name: { type: "string" },
    rate: { type: "number", default: 0.1, maximum: 1 },
    limit: { anyOf: [{ type: "integer" }, { type: "null" }], default: null },
    way: { oneOf: [{ $ref: "#/$defs/a" }, { $ref: "#/$defs/b" }] },
    note: { type: "string" },
  },
  $defs: {
    a: { type: "object", required: ["kind"], properties: { kind: { const: "a" } } },
    b: { type: "object", required: ["kind", "size"], properties: { kind: { const: "b" }, size: { type: "integer" } } },
  },
};

test("a blank value holds defaults and constants, and leaves out what may be left out", () => {
  expect(blank(schema)).toEqual({ rate: 0.1, limit: null, way: { kind: "a" } });
});

test("problems are told where they are", () => {
  const found = problems(schema, { rate: 2, limit: null, way: { kind: "a" } });
  expect(found.get("/name")).toBe("is required");
  expect(found.get("/rate")).toMatch(/1/);
  expect(problems(schema, { name: "x", rate: 1, way: { kind: "b", size: 3 } }).size).toBe(0);
});

test("a value tells which alternative it is of, even before it is complete", () => {
  const way = schema.properties?.way ?? {};
  expect(wayOf({ kind: "b", size: 1 }, way, schema)).toBe(1);
  expect(wayOf({ kind: "b" }, way, schema)).toBe(1);
});

test.each([
  [{ type: "string", enum: ["a"] }, "enum"],
  [{ type: ["integer", "null"] }, "number"],
  [{ type: "object" }, "json"],
  [{ type: "array", items: { type: "string" } }, "array"],
  [{ const: 1 }, "const"],
  [{}, "json"],
] as const)("%j is a %s", (given, shape) => {
  expect(shapeOf(given as unknown as Schema)).toBe(shape);
});
