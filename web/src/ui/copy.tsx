import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import "./copy.css";

interface CopyProps {
  text: string;
  /** What is copied, for the button's name: "Copy id". */
  what: string;
}

export function CopyButton({ text, what }: CopyProps) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1200);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <button
      type="button"
      className="copy"
      aria-label={copied ? "Copied" : `Copy ${what}`}
      onClick={() => void writeClipboard(text).then(() => setCopied(true))}
    >
      {copied ? <Check size={14} aria-hidden /> : <Copy size={14} aria-hidden />}
    </button>
  );
}

/** navigator.clipboard exists only on https and localhost; a server inside a company is often plain http. */
async function writeClipboard(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
