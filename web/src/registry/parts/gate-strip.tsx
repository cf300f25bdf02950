import { Check as Passed, X } from "lucide-react";
import { said } from "../../ui/report/words";
import { type Check, failures, passed } from "./standing";
import "./gates.css";

/** The gates of a check as a row of glyphs, each with its sentence on hover. */
export function GateStrip({ check }: { check: Check | null }) {
  if (!check) return <span className="muted">not checked</span>;
  const words = check.passed ? passed(check) : `${passed(check)}; failed ${failures(check)}`;
  return (
    <span className="gate-strip" role="img" aria-label={words}>
      {check.results.map((result, i) => {
        const Glyph = result.passed ? Passed : X;
        return (
          <span key={i} data-kind={result.passed ? "ok" : "bad"} title={`${said(result.gate)}: ${result.reason}`}>
            <Glyph size={14} strokeWidth={2.25} aria-hidden />
          </span>
        );
      })}
    </span>
  );
}
