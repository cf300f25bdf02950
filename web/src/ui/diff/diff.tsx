import { useMemo, useState } from "react";
import { count } from "../../kernel/number";
import { Button } from "../button";
import { type DiffLine, diffLines, hunks } from "./lines";
import "./diff.css";

interface DiffProps {
  label: string;
  a: string;
  b: string;
}

const SIGNS = { same: " ", added: "+", removed: "−" };
const WORDS = { same: "", added: "added: ", removed: "removed: " };

/** What changed from one text to another, by lines; what did not is folded. */
export function Diff({ label, a, b }: DiffProps) {
  const [whole, setWhole] = useState(false);
  const lines = useMemo(() => diffLines(a, b), [a, b]);
  const added = lines.filter(({ kind }) => kind === "added").length;
  const removed = lines.filter(({ kind }) => kind === "removed").length;
  if (added + removed === 0) return <p className="muted">No difference.</p>;
  const parts = whole ? [lines] : hunks(lines);
  return (
    <div className="diff">
      <p className="diff-head">
        <span className="diff-added">+{added}</span> <span className="diff-removed">−{removed}</span>
      </p>
      <div className="diff-frame" role="region" aria-label={label} tabIndex={0}>
        <table>
          <tbody>
            {parts.map((part, i) =>
              Array.isArray(part) ? (
                part.map((line, j) => <Line key={`${i}.${j}`} line={line} />)
              ) : (
                <tr key={i} className="diff-fold">
                  <td colSpan={4}>
                    <Button small kind="quiet" onClick={() => setWhole(true)}>
                      {count(part.folded, "line")} the same
                    </Button>
                  </td>
                </tr>
              ),
            )}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function Line({ line: { kind, text, a, b } }: { line: DiffLine }) {
  return (
    <tr data-diff={kind}>
      <td className="diff-number">{a}</td>
      <td className="diff-number">{b}</td>
      <td className="diff-sign" aria-hidden>
        {SIGNS[kind]}
      </td>
      <td className="diff-text">
        <span className="sr-only">{WORDS[kind]}</span>
        <code>{text || " "}</code>
      </td>
    </tr>
  );
}
