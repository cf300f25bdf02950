import type { ReactNode } from "react";
import { Code } from "./code";
import "./empty.css";

interface EmptyProps {
  /** What is not there yet: "No runs yet". */
  title: string;
  /** Why it would be there. */
  children?: ReactNode;
  /** The command that fills it. */
  command?: string;
  /** A button that fills it. */
  action?: ReactNode;
}

export function Empty({ title, children, command, action }: EmptyProps) {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {children && <p className="empty-text">{children}</p>}
      {command && <Code command text={command} label={`command: ${title}`} />}
      {action}
    </div>
  );
}
