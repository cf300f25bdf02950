import { useId } from "react";
import type { Schema } from "../../kernel/api/types";
import { now } from "../../kernel/time";
import { Button } from "../../ui/button";
import { useDraft } from "../../ui/draft";
import { Field } from "../../ui/field";

interface KeyBoxProps {
  state: Schema<"ViewState">;
  given: Readonly<Record<string, string>>;
  onGiven: (column: string, value: string) => void;
  at: string | undefined;
  onAt: (at: string | undefined) => void;
  /** Entities that exist, to choose from. */
  known: readonly Record<string, string>[];
}

/** Of whom, and as of when. */
export function KeyBox({ state: { keys }, given, onGiven, at, onAt, known }: KeyBoxProps) {
  const id = useId();
  return (
    <div className="key-box">
      {Object.entries(keys).map(([column, type]) => (
        <Field key={column} label={column}>
          <Part
            value={given[column] ?? ""}
            list={`${id}-${column}`}
            placeholder={type}
            onChange={(value) => onGiven(column, value)}
          />
        </Field>
      ))}
      {Object.keys(keys).map((column) => (
        <datalist key={column} id={`${id}-${column}`}>
          {[...new Set(known.map((entity) => entity[column]))].map((value) => (
            <option key={value} value={value} />
          ))}
        </datalist>
      ))}
      <Field label="As of, UTC">
        <input
          type="datetime-local"
          value={(at ? new Date(at) : new Date(now())).toISOString().slice(0, 16)}
          onChange={({ target }) => onAt(target.value ? `${target.value}Z` : undefined)}
        />
      </Field>
      {at && (
        <Button kind="quiet" onClick={() => onAt(undefined)}>
          Now
        </Button>
      )}
    </div>
  );
}

interface PartProps {
  value: string;
  list: string;
  placeholder: string;
  onChange: (value: string) => void;
}

function Part({ value, onChange, ...more }: PartProps) {
  const [text, setText] = useDraft(value, onChange);
  return (
    <input
      {...more}
      value={text}
      spellCheck={false}
      autoComplete="off"
      onChange={({ target }) => setText(target.value)}
    />
  );
}
