import { useQuery } from "@tanstack/react-query";
import { Field } from "../../ui/field";
import { byNoun, coveredBy, patternsOf } from "../permissions";
import { rolesQuery } from "../queries";

/** Patterns of permissions, and below them what they come to. */
export function PermissionField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const { data: roles = [] } = useQuery(rolesQuery);
  const all = [...new Set(roles.filter(({ project }) => !project).flatMap(({ permissions }) => permissions))].sort();
  const found = byNoun(coveredBy(patternsOf(value), all));
  const idle = patternsOf(value).filter((pattern) => coveredBy([pattern], all).length === 0);
  return (
    <>
      <Field
        label="Permissions"
        name="permissions"
        hint="noun:verb, separated by spaces; either may be a star: run:* *:read model:approve"
        {...(idle.length > 0 && all.length > 0 && { error: `No permission matches ${idle.join(", ")}` })}
      >
        <textarea
          className="mono"
          rows={2}
          required
          spellCheck={false}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      </Field>
      <ul className="access-gives" aria-label="Resulting permissions">
        {[...found].map(([noun, verbs]) => (
          <li key={noun}>
            <span className="muted">{noun}</span> {verbs.join(", ")}
          </li>
        ))}
      </ul>
    </>
  );
}
