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
const TIME_ORDERED = /^[0-9A-HJKMNP-TV-Z]{20}([0-9A-HJKMNP-TV-Z]{6}(?:\.[\w.-]+)?)$/;

/** Digests differ at their start, time-ordered ids only at their end, also those of a trial; names that people gave stay whole. */
export function shortId(value: string): string {
  if (DIGEST.test(value)) return value.slice(0, 8);
  const end = TIME_ORDERED.exec(value)?.[1];
  return end === undefined ? value : `…${end}`;
}
