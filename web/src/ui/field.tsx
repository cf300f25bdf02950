import { cloneElement, type ReactElement, useId } from "react";
import "./field.css";

interface ControlProps {
  id?: string;
  "aria-describedby"?: string | undefined;
  "aria-invalid"?: boolean | undefined;
}

interface FieldProps {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  /** Marks what must be filled, in words a screen reader also gets from `required` on the control. */
  required?: boolean;
  children: ReactElement<ControlProps>;
}

/** A label, one control, and a hint or what is wrong with the value, tied together for assistive technology. */
export function Field({ label, hint, error, required = false, children }: FieldProps) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div className="field" data-bad={error ? true : undefined}>
      <label htmlFor={id}>
        {label}
        {required && <span className="field-required"> required</span>}
      </label>
      {cloneElement(children, {
        id,
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
