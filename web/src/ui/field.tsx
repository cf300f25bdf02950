import { cloneElement, createContext, type ReactElement, useContext, useId } from "react";
import "./field.css";

interface ControlProps {
  id?: string;
  name?: string | undefined;
  "aria-describedby"?: string | undefined;
  "aria-invalid"?: boolean | undefined;
}

interface FieldProps {
  label: string;
  /** What the server calls it: what is refused under that name is said here. */
  name?: string;
  hint?: string | undefined;
  error?: string | undefined;
  /** Marks what must be filled, in words a screen reader also gets from `required` on the control. */
  required?: boolean;
  children: ReactElement<ControlProps>;
}

export interface Refusal {
  field: string;
  text: string;
}

/** What the server refused, and at which field of the form. */
export const Refused = createContext<Refusal | undefined>(undefined);

/** A label, one control, and a hint or what is wrong with the value, tied together for assistive technology. */
export function Field({ label, name, hint, error: known, required = false, children }: FieldProps) {
  const id = useId();
  const refusal = useContext(Refused);
  const error = known ?? (name !== undefined && refusal?.field === name ? refusal.text : undefined);
  const note = error ?? hint;
  return (
    <div className="field" data-bad={error ? true : undefined}>
      <label htmlFor={id}>
        {label}
        {required && <span className="field-required"> required</span>}
      </label>
      {cloneElement(children, {
        id,
        ...(name !== undefined && { name }),
        "aria-describedby": note ? `${id}-note` : undefined,
        "aria-invalid": error ? true : undefined,
      })}
      {note && (
        <p id={`${id}-note`} className="field-note">
          {note}
        </p>
      )}
    </div>
  );
}
