import { useState } from "react";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import type { RunIndex } from "../queries";
import { leading } from "./cells";

interface ColumnPickerProps {
  index: RunIndex;
  shown: readonly string[];
  onChange: (columns: string[]) => void;
  onClose: () => void;
}

/** Which parameters, metrics and tags are columns; those that most runs have stand first. */
export function ColumnPicker({ index, shown, onChange, onClose }: ColumnPickerProps) {
  const [filter, setFilter] = useState("");
  const groups = [
    { kind: "metrics", title: "Metrics", keys: leading(index.metrics) },
    { kind: "params", title: "Parameters", keys: index.params },
    { kind: "tags", title: "Tags", keys: index.tags },
  ];
  const toggle = (column: string) =>
    onChange(shown.includes(column) ? shown.filter((other) => other !== column) : [...shown, column]);
  const actions = (
    <>
      <Button kind="quiet" onClick={() => onChange([])}>
        Reset
      </Button>
      <Button kind="primary" onClick={onClose}>
        Done
      </Button>
    </>
  );
  return (
    <Dialog title="Columns" onClose={onClose} actions={actions}>
      <input
        type="search"
        aria-label="Find a column"
        placeholder="Find a column"
        value={filter}
        onChange={(event) => setFilter(event.target.value)}
      />
      <div className="runs-columns">
        {groups.map(({ kind, title, keys }) => {
          const found = keys.filter((key) => key.toLowerCase().includes(filter.toLowerCase()));
          return (
            found.length > 0 && (
              <fieldset key={kind}>
                <legend>{title}</legend>
                {found.map((key) => {
                  const column = `${kind}.${key}`;
                  return (
                    <label key={key}>
                      <input type="checkbox" checked={shown.includes(column)} onChange={() => toggle(column)} />
                      <span>{key}</span>
                    </label>
                  );
                })}
              </fieldset>
            )
          );
        })}
      </div>
    </Dialog>
  );
}
