import { type OutputUnit, type Schema as Rules, Validator } from "@cfworker/json-schema";

/** What of JSON Schema 2020-12 a form is made from. */
export interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema | boolean;
  anyOf?: Schema[];
  oneOf?: Schema[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  format?: string;
  maxLength?: number;
  $ref?: string;
  $defs?: Record<string, Schema>;
}

export type Shape = "object" | "array" | "enum" | "choice" | "text" | "number" | "boolean" | "const" | "json";

/** The schema that stands where a `$ref` points; one with null as an alternative counts as the other alternative. */
export function resolved(schema: Schema, root: Schema): Schema {
  if (schema.$ref) {
    const { $ref, ...rest } = schema;
    const target = $ref
      .split("/")
      .slice(1)
      .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[unescaped(key)], root);
    return { ...resolved((target ?? {}) as Schema, root), ...rest };
  }
  const ways = (schema.anyOf ?? schema.oneOf)?.filter((way) => way.type !== "null");
  const [only] = ways ?? [];
  if (only && ways?.length === 1) {
    const { anyOf: _any, oneOf: _one, ...rest } = schema;
    return { ...resolved(only, root), ...rest };
  }
  return schema;
}

function unescaped(key: string): string {
  return decodeURIComponent(key).replaceAll("~1", "/").replaceAll("~0", "~");
}

export function isNullable(schema: Schema): boolean {
  return (
    [schema.type].flat().includes("null") || (schema.anyOf ?? schema.oneOf ?? []).some((way) => way.type === "null")
  );
}

/** Which control a schema, already resolved, asks for. */
export function shapeOf(schema: Schema): Shape {
  if (schema.const !== undefined) return "const";
  if (schema.enum) return "enum";
  if (schema.anyOf ?? schema.oneOf) return "choice";
  const type = [schema.type].flat().find((name) => name !== "null");
  if (type === "object" && schema.properties) return "object";
  if (type === "array" && typeof schema.items === "object") return "array";
  if (type === "number" || type === "integer") return "number";
  if (type === "boolean") return "boolean";
  return type === "string" ? "text" : "json";
}

/** A value to begin with: defaults, and what is required but can be only one thing. */
export function blank(given: Schema, root: Schema = given): unknown {
  if (given.default !== undefined) return given.default;
  if (isNullable(given)) return null;
  const schema = resolved(given, root);
  if (schema.default !== undefined) return schema.default;
  switch (shapeOf(schema)) {
    case "const":
      return schema.const;
    case "enum":
      return schema.enum?.[0];
    case "choice":
      return blank(ways(schema)[0] ?? {}, root);
    case "object":
      return blankObject(schema, root);
    case "array":
      return [];
    case "boolean":
      return false;
    default:
      return undefined;
  }
}

function blankObject(schema: Schema, root: Schema): Record<string, unknown> {
  const entries = Object.entries(schema.properties ?? {}).map(([name, inner]) => {
    const wanted = schema.required?.includes(name) || inner.default !== undefined;
    return [name, wanted ? blank(inner, root) : undefined] as const;
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

export function ways(schema: Schema): readonly Schema[] {
  return schema.oneOf ?? schema.anyOf ?? [];
}

/** Which alternative a value is of: the first that it satisfies, else the first that shares its constants. */
export function wayOf(value: unknown, schema: Schema, root: Schema): number {
  const all = ways(schema);
  const satisfied = all.findIndex((way) => problems({ ...way, $defs: root.$defs ?? {} }, value).size === 0);
  if (satisfied >= 0) return satisfied;
  const shared = all.findIndex((way) => {
    const marks = Object.entries(resolved(way, root).properties ?? {}).filter(([, inner]) => inner.const !== undefined);
    return (
      marks.length > 0 &&
      marks.every(([name, inner]) => (value as Record<string, unknown> | null)?.[name] === inner.const)
    );
  });
  return Math.max(0, shared);
}

const WRAPPERS = new Set([
  "properties",
  "items",
  "prefixItems",
  "anyOf",
  "oneOf",
  "allOf",
  "$ref",
  "additionalProperties",
]);

/** What is wrong with a value, by JSON pointer: "/weights/0" → words. */
export function problems(schema: Schema, value: unknown): ReadonlyMap<string, string> {
  const { valid, errors } = new Validator(schema as Rules, "2020-12", false).validate(value ?? null);
  const found = new Map<string, string>();
  if (valid) return found;
  for (const error of errors) {
    const [path, words] = told(error);
    if (!WRAPPERS.has(error.keyword) && !found.has(path)) found.set(path, words);
  }
  if (found.size === 0) found.set("", "this is not one of the forms that are allowed");
  return found;
}

function told({ keyword, instanceLocation, error }: OutputUnit): [path: string, words: string] {
  const path = instanceLocation.replace(/^#/, "");
  const missing = keyword === "required" ? /"([^"]+)"/.exec(error)?.[1] : undefined;
  if (missing !== undefined) return [`${path}/${missing}`, "is required"];
  return [path, error.replace(/^Instance /, "").replace(/\.$/, "")];
}
