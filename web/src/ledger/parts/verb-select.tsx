import { full } from "../../kernel/number";
import { verbWords } from "../gist";

interface VerbSelectProps {
  /** How often each happened. */
  verbs: Readonly<Record<string, number>>;
  value: string;
  onChange: (verb: string) => void;
}

/** What happened: one verb, or all of a noun. */
export function VerbSelect({ verbs, value, onChange }: VerbSelectProps) {
  const nouns = new Map<string, [verb: string, count: number][]>();
  for (const [verb, count] of Object.entries(verbs)) {
    const noun = verb.slice(0, verb.indexOf("."));
    nouns.set(noun, [...(nouns.get(noun) ?? []), [verb, count]]);
  }
  const known = value === "" || value in verbs || nouns.has(value.replace(/\.\*$/, ""));
  return (
    <select aria-label="What" value={value} onChange={(event) => onChange(event.target.value)}>
      <option value="">Any event</option>
      {!known && <option value={value}>{`${verbWords(value)} (0)`}</option>}
      {[...nouns].sort().map(([noun, some]) => (
        <optgroup key={noun} label={noun}>
          {some.length > 1 && (
            <option
              value={`${noun}.*`}
            >{`${noun}: anything (${full(some.reduce((sum, [, n]) => sum + n, 0))})`}</option>
          )}
          {some.map(([verb, count]) => (
            <option key={verb} value={verb}>{`${verbWords(verb)} (${full(count)})`}</option>
          ))}
        </optgroup>
      ))}
    </select>
  );
}
