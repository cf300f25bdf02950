import { line } from "../values";

interface ParametersProps {
  of: Readonly<Record<string, unknown>>;
  /** These, in this order; the others are the same everywhere. */
  only?: ReadonlySet<string>;
}

/** What an execution was started with, in one line; all of it on hover. */
export function Parameters({ of, only }: ParametersProps) {
  const shown = only?.size
    ? Object.fromEntries([...only].filter((name) => name in of).map((name) => [name, of[name]]))
    : of;
  const text = line(shown);
  if (!text) return <span className="muted">–</span>;
  return (
    <code className="pipelines-parameters" title={JSON.stringify(of, null, 1)}>
      {text}
    </code>
  );
}
