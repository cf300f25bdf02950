import "./json.css";

interface JsonProps {
  value: unknown;
  /** Levels that stand open at first. */
  open?: number;
}

/** A value that folds; long lists show their first hundred entries. */
export function Json({ value, open = 2 }: JsonProps) {
  return (
    <div className="json">
      <Value value={value} open={open} />
    </div>
  );
}

const MOST = 100;

function Value({ value, open, name }: { value: unknown; open: number; name?: string }) {
  const label = name !== undefined && <span className="json-name">{name}: </span>;
  if (typeof value !== "object" || value === null) {
    return (
      <div className="json-leaf">
        {label}
        <span data-json={value === null ? "null" : typeof value}>{JSON.stringify(value) ?? "undefined"}</span>
      </div>
    );
  }
  const entries = Object.entries(value);
  const [start, end] = Array.isArray(value) ? "[]" : "{}";
  if (entries.length === 0) {
    return (
      <div className="json-leaf">
        {label}
        {start}
        {end}
      </div>
    );
  }
  return (
    <details open={open > 0}>
      <summary>
        {label}
        <span className="json-size">
          {start}
          {entries.length}
          {end}
        </span>
      </summary>
      <div className="json-inner">
        {entries.slice(0, MOST).map(([key, inner]) => (
          <Value key={key} name={key} value={inner} open={open - 1} />
        ))}
        {entries.length > MOST && <div className="json-leaf muted">and {entries.length - MOST} more</div>}
      </div>
    </details>
  );
}
