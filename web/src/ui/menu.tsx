import { type KeyboardEvent, type ReactNode, useId, useRef } from "react";
import { Button } from "./button";
import "./menu.css";

export interface MenuItem {
  text: string;
  onSelect: () => void;
  icon?: ReactNode;
  /** What is chosen of several: shown with a tick. */
  checked?: boolean;
  danger?: boolean;
  disabled?: boolean;
  /** What else there is to know, such as why it cannot be done. */
  note?: string | undefined;
}

interface MenuProps {
  /** The word on the button; an icon alone is named by it. */
  label: string;
  icon?: ReactNode;
  iconOnly?: boolean;
  kind?: "plain" | "quiet";
  small?: boolean;
  items: readonly MenuItem[];
}

/** A button that opens a list of acts, on the browser's own popover: Escape and a click elsewhere close it. */
export function Menu({ label, icon, iconOnly = false, kind = "plain", small = false, items }: MenuProps) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const open = () => {
    if (!list.current || !button.current) return;
    place(list.current, button.current.getBoundingClientRect());
    button.current.setAttribute("aria-expanded", "true");
    choices(list.current)[0]?.focus();
  };
  return (
    <>
      <Button
        ref={button}
        kind={kind}
        small={small}
        icon={icon}
        popoverTarget={id}
        aria-haspopup="menu"
        aria-expanded={false}
        {...(iconOnly ? { "aria-label": label, title: label } : { children: label })}
      />
      <div
        ref={list}
        id={id}
        popover="auto"
        role="menu"
        tabIndex={-1}
        aria-label={label}
        className="menu"
        onToggle={(event) =>
          event.newState === "open" ? open() : button.current?.setAttribute("aria-expanded", "false")
        }
        onKeyDown={walk}
      >
        {items.map((item) => (
          <button
            key={item.text}
            type="button"
            {...(item.checked === undefined
              ? { role: "menuitem" }
              : { role: "menuitemcheckbox", "aria-checked": item.checked })}
            disabled={item.disabled}
            data-danger={item.danger || undefined}
            tabIndex={-1}
            onClick={() => {
              if (item.checked === undefined) list.current?.hidePopover();
              item.onSelect();
            }}
          >
            <span className="menu-tick">{item.checked ? "✓" : item.icon}</span>
            <span>
              {item.text}
              {item.note && <span className="menu-note">{item.note}</span>}
            </span>
          </button>
        ))}
      </div>
    </>
  );
}

function choices(list: HTMLElement): HTMLButtonElement[] {
  return [...list.querySelectorAll<HTMLButtonElement>("button:not(:disabled)")];
}

function walk(event: KeyboardEvent<HTMLElement>) {
  const all = choices(event.currentTarget);
  const here = all.indexOf(document.activeElement as HTMLButtonElement);
  const to: Record<string, number> = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: -1 };
  const next = to[event.key];
  if (next !== undefined) {
    event.preventDefault();
    all.at(next % all.length)?.focus();
  } else if (event.key.length === 1) {
    all.find((choice) => choice.textContent?.trim().toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
  }
}

/** Below the button, its right end at the button's where there is no room to the right; above where none is below. */
function place(list: HTMLElement, button: DOMRect) {
  const { width, height } = list.getBoundingClientRect();
  const left = button.left + width > innerWidth - 8 ? button.right - width : button.left;
  const top = button.bottom + height + 4 > innerHeight ? button.top - height - 4 : button.bottom + 4;
  list.style.left = `${Math.max(8, left)}px`;
  list.style.top = `${Math.max(8, top)}px`;
}
