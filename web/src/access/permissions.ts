/** Whether a pattern such as `run:*` or `*:read` covers a permission; what holds is decided by the server. */
export function covers(pattern: string, permission: string): boolean {
  const asked = pattern.split(":");
  const held = permission.split(":");
  return asked.length === 2 && asked.every((part, i) => part === "*" || part === held[i]);
}

export function coveredBy(patterns: readonly string[], all: readonly string[]): string[] {
  return all.filter((permission) => patterns.some((pattern) => covers(pattern, permission)));
}

/** By noun what may be done to it, reading first: `model` → `read write approve`. */
export function byNoun(permissions: readonly string[]): Map<string, string[]> {
  const nouns = new Map<string, string[]>();
  for (const permission of [...permissions].sort()) {
    const [noun = "", verb = ""] = permission.split(":");
    nouns.set(noun, [...(nouns.get(noun) ?? []), verb]);
  }
  for (const verbs of nouns.values()) verbs.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  return nouns;
}

function rank(verb: string): number {
  return verb === "read" ? 0 : verb === "write" ? 1 : 2;
}

/** Patterns as they are typed: apart by spaces, commas or lines. */
export function patternsOf(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}
