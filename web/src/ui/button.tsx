import { Link } from "@tanstack/react-router";
import type { ComponentProps, ReactNode } from "react";
import "./button.css";

type Kind = "primary" | "plain" | "danger" | "quiet";

interface ButtonProps extends Omit<ComponentProps<"button">, "className" | "style"> {
  /** One primary a page; quiet has no border until it is pointed at. */
  kind?: Kind;
  icon?: ReactNode;
  /** Says that the act runs: disabled, and read out as busy. */
  busy?: boolean;
  /** In the lines of tables and heads. */
  small?: boolean;
}

export function Button({ kind = "plain", icon, busy = false, small = false, children, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      className={children ? "button" : "button button-square"}
      data-look={kind}
      data-small={small || undefined}
      aria-busy={busy || undefined}
      disabled={rest.disabled || busy}
    >
      {icon}
      {children}
    </button>
  );
}

interface LinkButtonProps {
  to: string;
  kind?: Kind;
  icon?: ReactNode;
  small?: boolean;
  children: ReactNode;
}

/** Looks like a button, goes somewhere: for acts that are pages. */
export function LinkButton({ to, kind = "plain", icon, small = false, children }: LinkButtonProps) {
  return (
    <Link to={to} className="button" data-look={kind} data-small={small || undefined}>
      {icon}
      {children}
    </Link>
  );
}
