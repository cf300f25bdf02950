/** The first line of a docstring: what stands in backticks is code. */
export function Words({ of }: { of: string }) {
  return of.split("`").map((part, i) => (i % 2 ? <code key={i}>{part}</code> : part));
}
