import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef } from "react";
import "./tabs.css";

export interface TabItem<Value extends string> {
  value: Value;
  text: string;
  /** A count beside the word. */
  note?: ReactNode;
}

interface TabsProps<Value extends string> {
  label: string;
  items: readonly TabItem<Value>[];
  /** The open tab: keep it in the page's search params. */
  value: Value;
  onChange: (value: Value) => void;
  /** What the open tab shows. */
  children: ReactNode;
}

export function Tabs<Value extends string>({ label, items, value, onChange, children }: TabsProps<Value>) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => inSight(list.current, document.getElementById(`${id}-${value}`)), [id, value]);
  const move = (event: KeyboardEvent<HTMLElement>) => {
    const steps: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1 };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    const here = items.findIndex((item) => item.value === value);
    const next = items[(here + step + items.length) % items.length];
    if (!next) return;
    onChange(next.value);
    document.getElementById(`${id}-${next.value}`)?.focus();
  };
  return (
    <div className="tabs">
      <div ref={list} role="tablist" aria-label={label} className="tabs-list" onKeyDown={move}>
        {items.map((item) => (
          <button
            key={item.value}
            id={`${id}-${item.value}`}
            type="button"
            role="tab"
            aria-selected={item.value === value}
            aria-controls={`${id}-panel`}
            tabIndex={item.value === value ? 0 : -1}
            onClick={() => onChange(item.value)}
          >
            {item.text}
            {item.note !== undefined && <span className="tabs-note">{item.note}</span>}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${value}`} className="tabs-panel">
        {children}
      </div>
    </div>
  );
}

/** Where there is no room for all tabs, the open one is in the middle of those that are seen. */
function inSight(list: HTMLElement | null, tab: HTMLElement | null) {
  if (list && tab) list.scrollLeft = tab.offsetLeft - list.offsetLeft - (list.clientWidth - tab.clientWidth) / 2;
}

interface SwitchProps<Value extends string> {
  label: string;
  items: readonly { value: Value; text: string }[];
  value: Value;
  onChange: (value: Value) => void;
}

/** Two to five words of which one holds: a scale, a span, a way to draw. */
export function Segments<Value extends string>({ label, items, value, onChange }: SwitchProps<Value>) {
  return (
    <fieldset className="segments">
      <legend className="sr-only">{label}</legend>
      {items.map((item) => (
        <button key={item.value} type="button" aria-pressed={item.value === value} onClick={() => onChange(item.value)}>
          {item.text}
        </button>
      ))}
    </fieldset>
  );
}
