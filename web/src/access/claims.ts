/** What a token must say, a claim a line. */
export function claimsText(claims: Readonly<Record<string, string>>): string {
  return Object.entries(claims)
    .map(([claim, value]) => `${claim} = ${value}`)
    .join("\n");
}

/** Reads what `claimsText` writes; the value may hold further equals signs. */
export function claimsOf(text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => line.trim());
  return Object.fromEntries(
    lines.map((line) => {
      const [claim = "", ...value] = line.split("=");
      return [claim.trim(), value.join("=").trim()];
    }),
  );
}
