import { CopyButton } from "./copy";
import "./id.css";

/** A long identifier cut short, whole on hover, with a button that copies it. */
export function Id({ value, what = "id" }: { value: string; what?: string }) {
  return (
    <span className="id">
      <code title={value}>{shortId(value)}</code>
      <CopyButton text={value} what={what} />
    </span>
  );
}

const DIGEST = /^[0-9a-f]{24,}$/;
const TIME_ORDERED = /^[0-9A-HJKMNP-TV-Z]{26}$/;

/** Digests differ at their start, time-ordered ids only at their end; names that people gave stay whole. */
export function shortId(value: string): string {
  if (DIGEST.test(value)) return value.slice(0, 8);
  return TIME_ORDERED.test(value) ? `…${value.slice(-6)}` : value;
}
