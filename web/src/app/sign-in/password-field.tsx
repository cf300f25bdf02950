import { Field } from "../../ui/field";

interface PasswordFieldProps {
  label: string;
  hint?: string;
  /** One to be chosen, rather than the one that is known. */
  fresh?: boolean;
  /** Who came by an identity provider has none yet. */
  optional?: boolean;
  value: string;
  onChange: (value: string) => void;
}

export function PasswordField({ label, hint, fresh = false, optional = false, value, onChange }: PasswordFieldProps) {
  return (
    <Field label={label} hint={hint}>
      <input
        type="password"
        autoComplete={fresh ? "new-password" : "current-password"}
        required={!optional}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </Field>
  );
}
