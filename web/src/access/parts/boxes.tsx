import type { ReactNode } from "react";

interface BoxesProps {
  label: string;
  items: readonly { value: string; text: ReactNode }[];
  chosen: readonly string[];
  onChange: (chosen: readonly string[]) => void;
}

/** Any number of several. */
export function Boxes({ label, items, chosen, onChange }: BoxesProps) {
  return (
    <fieldset className="access-boxes">
      <legend>{label}</legend>
      {items.map(({ value, text }) => (
        <label key={value}>
          <input
            type="checkbox"
            checked={chosen.includes(value)}
            onChange={({ target }) =>
              onChange(target.checked ? [...chosen, value] : chosen.filter((other) => other !== value))
            }
          />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}
