import type { RunIndex } from "../queries";

interface GroupByProps {
  index: RunIndex | undefined;
  value: string;
  onChange: (by: string) => void;
}

/** By what the runs are put into groups. */
export function GroupBy({ index, value, onChange }: GroupByProps) {
  const kinds = [
    { label: "Parameters", all: (index?.params ?? []).map((key) => `params.${key}`) },
    { label: "Tags", all: (index?.tags ?? []).map((key) => `tags.${key}`) },
  ];
  const known = ["", "experiment", "state", "started_by", ...kinds.flatMap(({ all }) => all)];
  return (
    <select aria-label="Group by" value={value} onChange={({ target }) => onChange(target.value)}>
      <option value="">Not grouped</option>
      <option value="experiment">By experiment</option>
      <option value="state">By state</option>
      <option value="started_by">By who started it</option>
      {!known.includes(value) && <option value={value}>By {value}</option>}
      {kinds.map(
        ({ label, all }) =>
          all.length > 0 && (
            <optgroup key={label} label={label}>
              {all.map((field) => (
                <option key={field} value={field}>
                  By {field.replace(/^\w+\./, "")}
                </option>
              ))}
            </optgroup>
          ),
      )}
    </select>
  );
}
