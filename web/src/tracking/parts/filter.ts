const ASKS = /[=<>~()]|\b(?:like|ilike|in|is|and|or|not)\b|^(?:metrics?|params?|parameters?|tags?|datasets?)\./i;

/** A filter as the server takes it: a query of its grammar, which it judges; bare words are looked for in the names of runs. */
export function conditions(filter: string): string[] {
  const text = filter.trim();
  if (text === "") return [];
  return ASKS.test(text) ? [text] : [`name ~ "${text.replaceAll('"', '""')}"`];
}
