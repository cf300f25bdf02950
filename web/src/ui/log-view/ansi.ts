export interface Piece {
  text: string;
  /** A token's name. */
  colour?: string;
  bold?: boolean;
  dim?: boolean;
}

const COLOURS: Record<number, string> = {
  1: "bad",
  2: "ok",
  3: "warn",
  4: "accent",
  5: "waiting",
  6: "info",
  0: "text-3",
  7: "text-2",
};
// Colours are read; every other control sequence, and links to elsewhere, only disappear.
const CONTROL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /\x1b\[([0-9;:]*)m|\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b.|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f\x1b]/g;

/** A line of a log as pieces of plain text with the colours that its escape sequences ask for. */
export function pieces(line: string): Piece[] {
  const found: Piece[] = [];
  let look: Omit<Piece, "text"> = {};
  let from = 0;
  const take = (to: number) => {
    if (to > from) found.push({ text: line.slice(from, to), ...look });
  };
  for (const match of line.matchAll(CONTROL)) {
    take(match.index);
    from = match.index + match[0].length;
    if (match[1] !== undefined) look = styled(look, match[1]);
  }
  take(line.length);
  return found;
}

/** What a terminal would leave of a line: each carriage return begins it anew, as progress bars do. */
export function settled(line: string): string {
  const parts = line.replace(/\r+$/, "").split("\r");
  return parts.at(-1) ?? "";
}

export function plain(line: string): string {
  return line.replace(CONTROL, "");
}

function styled(look: Omit<Piece, "text">, codes: string): Omit<Piece, "text"> {
  let next = { ...look };
  const numbers = codes.split(/[;:]/).map(Number);
  for (let i = 0; i < numbers.length; i++) {
    const code = numbers[i] ?? 0;
    if (code === 0) next = {};
    else if (code === 1) next.bold = true;
    else if (code === 2) next.dim = true;
    else if (code === 22) next = next.colour ? { colour: next.colour } : {};
    else if (code === 39) next = { ...(next.bold && { bold: true }), ...(next.dim && { dim: true }) };
    else if (code === 38 || code === 48) i += numbers[i + 1] === 5 ? 2 : 4;
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) next.colour = COLOURS[code % 10] ?? "text";
  }
  return next;
}
