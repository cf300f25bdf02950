/** What stands under a name in two things; undefined where it is not there. */
export interface Change {
  name: string;
  a: string | undefined;
  b: string | undefined;
}

/** All names whose values differ, those that were changed first, then those taken away, then those added. */
export function changes(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): Change[] {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort((one, two) => one.localeCompare(two, "en"));
  const found = names.map((name) => ({ name, a: a[name], b: b[name] })).filter((change) => change.a !== change.b);
  return found.sort((one, two) => rank(one) - rank(two));
}

function rank({ a, b }: Change): number {
  return a !== undefined && b !== undefined ? 0 : b === undefined ? 1 : 2;
}

export function wordOf({ a, b }: Change): "changed" | "removed" | "added" {
  return a === undefined ? "added" : b === undefined ? "removed" : "changed";
}

/** The version of each input: `dataset:flights@4` is version 4 of dataset:flights. */
export function versions(refs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    refs.map((ref) => {
      const [, name = ref, version = "–"] = /^(.+)@([^@]+)$/.exec(ref) ?? [];
      return [name, version];
    }),
  );
}
