/** The sections of a card that people write: those after the decisions, with which the recorded part ends. */
export function sectionsOf(card: string): string[] {
  const headings = card.split("\n").flatMap((line) => (line.startsWith("## ") ? [line.slice(3).trim()] : []));
  return headings.slice(headings.indexOf("Decisions") + 1);
}
