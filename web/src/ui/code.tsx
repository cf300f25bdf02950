import { CopyButton } from "./copy";
import "./code.css";

interface CodeProps {
  text: string;
  /** One line that a person types: shown with a prompt, scrolled rather than wrapped. */
  command?: boolean;
  /** Names the block for screen readers and the copy button. */
  label?: string;
}

/** A block of fixed-width text with a button that copies it. */
export function Code({ text, command = false, label = command ? "command" : "code" }: CodeProps) {
  return (
    <div className={command ? "code code-command" : "code"}>
      <pre tabIndex={0} role="region" aria-label={label}>
        <code>{text}</code>
      </pre>
      <CopyButton text={text} what={label} />
    </div>
  );
}
