import { Check, type Circle, CircleDashed, Clock3, Info, LoaderCircle, TriangleAlert, X } from "lucide-react";
import "./status.css";

const GLYPHS = {
  ok: Check,
  warn: TriangleAlert,
  bad: X,
  info: Info,
  waiting: Clock3,
  idle: CircleDashed,
  running: LoaderCircle,
} satisfies Record<string, typeof Circle>;

export type StatusKind = keyof typeof GLYPHS;

interface StatusProps {
  kind: StatusKind;
  word: string;
  /** On a tinted ground, for the one state that a heading is about. */
  badge?: boolean;
}

/** A state by glyph, word and colour, so that it is read without any one of them. */
export function Status({ kind, word, badge = false }: StatusProps) {
  const Glyph = GLYPHS[kind];
  return (
    <span className={badge ? "status status-badge" : "status"} data-kind={kind}>
      <Glyph size={14} strokeWidth={2.25} aria-hidden />
      <span>{word}</span>
    </span>
  );
}

/** The glyph alone, where the word stands elsewhere; no colour tells what no word does. */
export function StatusGlyph({ kind }: { kind: StatusKind }) {
  const Glyph = GLYPHS[kind];
  return (
    <span className="status" data-kind={kind}>
      <Glyph size={14} strokeWidth={2.25} aria-hidden />
    </span>
  );
}

/** A short quiet label: a tag, a role, an alias. */
export function Tag({ text }: { text: string }) {
  return <span className="tag">{text}</span>;
}
