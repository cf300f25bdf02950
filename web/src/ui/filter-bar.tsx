import { Search } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";
import { useDraft } from "./draft";
import "./filter-bar.css";

interface FilterBarProps {
  /** What is filtered: "Filter runs". */
  label: string;
  value: string;
  /** Called when typing rests, so that the address is not written at each key. */
  onChange: (value: string) => void;
  placeholder?: string;
  /** What is wrong with the filter as it stands. */
  error?: string;
  /** How much is left: "124 of 9,000". */
  note?: ReactNode;
  /** Selects, menus and buttons beside the text. */
  children?: ReactNode;
}

/** A line above a table: a text filter that `/` reaches from anywhere, and what else narrows the rows. */
export function FilterBar({ label, value, onChange, placeholder, error, note, children }: FilterBarProps) {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useDraft(value, onChange);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || isWriting(event.target)) return;
      event.preventDefault();
      input.current?.select();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  return (
    <div className="filter-bar" role="search" aria-label={label}>
      <div className="filter-text">
        <Search size={14} aria-hidden />
        <input
          ref={input}
          type="search"
          aria-label={label}
          aria-invalid={error ? true : undefined}
          aria-keyshortcuts="/"
          placeholder={placeholder ?? label}
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => event.key === "Escape" && (text ? setText("") : input.current?.blur())}
        />
        <kbd aria-hidden>/</kbd>
      </div>
      {children}
      {(error ?? note) && (
        <span className="filter-note" data-bad={error ? true : undefined} role={error ? "alert" : undefined}>
          {error ?? note}
        </span>
      )}
    </div>
  );
}

function isWriting(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}
