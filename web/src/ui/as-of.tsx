import { History, Undo2 } from "lucide-react";
import { useEffect, useRef } from "react";
import { date, exact, type Instant, now } from "../kernel/time";
import { Button } from "./button";
import "./as-of.css";

interface AsOfProps {
  /** From `useAt()`; undefined for the present. */
  at: string | undefined;
  onChange: (at: string | undefined) => void;
  /** Before it there was nothing to look at. */
  from?: Instant | undefined;
}

/** Picks the day as of which a page is shown; stands among the page's actions. */
export function AsOfPicker({ at, onChange, from }: AsOfProps) {
  const field = useRef<HTMLInputElement>(null);
  const shown = date(at ?? now());
  useEffect(() => {
    if (field.current && field.current.value !== shown) field.current.value = shown;
  }, [shown]);
  return (
    <label className="as-of-picker">
      <History size={16} aria-hidden />
      As of
      <input
        ref={field}
        type="date"
        defaultValue={shown}
        min={from === undefined ? undefined : date(from)}
        max={date(now())}
        onChange={({ target }) => {
          if (target.value && target.validity.valid && target.value !== shown) onChange(target.value);
        }}
      />
    </label>
  );
}

/** Says that what is shown is not the present; nothing for the present. */
export function AsOfBanner({ at, onChange }: AsOfProps) {
  if (at === undefined) return null;
  return (
    <div className="as-of-banner" role="status">
      <History size={16} aria-hidden />
      <p>
        As of <strong>{exact(at).replace(":00 UTC", " UTC")}</strong>: what was known then, and nothing that came later.
      </p>
      <Button small icon={<Undo2 aria-hidden />} onClick={() => onChange(undefined)}>
        Back to now
      </Button>
    </div>
  );
}
