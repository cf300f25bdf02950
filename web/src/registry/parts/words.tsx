import { date, exact } from "../../kernel/time";
import { RefLink } from "../../ui/ref-link";
import { Tag } from "../../ui/status";
import { refsIn } from "./standing";

/** A sentence in which everything that it names is a link. */
export function Words({ text }: { text: string }) {
  return refsIn(text).map((part, i) => ("ref" in part ? <RefLink key={i} to={part.ref} /> : part.words));
}

/** A version by its number, with the aliases that name it. */
export function VersionName({ to, aliases = [] }: { to: string; aliases?: readonly string[] }) {
  return (
    <span className="model-version-name">
      <RefLink to={to} bare />
      {aliases.map((alias) => (
        <Tag key={alias} text={alias} />
      ))}
    </span>
  );
}

/** The day of an act, the instant on hover: who looks into the past reads dates, not distances. */
export function Day({ at }: { at: string }) {
  return (
    <time className="model-day" dateTime={at} title={exact(at)}>
      {date(at)}
    </time>
  );
}
