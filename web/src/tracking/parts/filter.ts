const OPERATOR = /[=<>~]/;
const FIELD = /^(metrics|params|tags)\.|^(id|name|experiment|state|parent|started_by|started_at|ended_at|error)\b/;

/**
 * The conditions of a filter: split at `and`, save within double quotes. A bare word is looked for in the names of runs; all else is
 * the server's to understand.
 */
export function conditions(filter: string): string[] {
  const parts = filter.match(/(?:"[^"]*"|(?!\s+and\s)[\s\S])+/gi) ?? [];
  return parts
    .map((part) => part.replace(/^\s*and\s+/i, "").trim())
    .filter(Boolean)
    .map((part) => (OPERATOR.test(part) || FIELD.test(part) ? part : `name ~ ${part}`));
}
