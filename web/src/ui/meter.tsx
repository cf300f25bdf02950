import "./meter.css";

interface MeterProps {
  /** From 0 to 1. */
  share: number;
  kind?: "ok" | "warn" | "bad" | "info" | "idle";
}

/** How much of something is used up, or reached; beside it stand the words, so it is not read out. */
export function Meter({ share, kind }: MeterProps) {
  return (
    <span className="meter" data-kind={kind} aria-hidden>
      <span style={{ width: `${100 * Math.min(1, Math.max(0, share))}%` }} />
    </span>
  );
}
