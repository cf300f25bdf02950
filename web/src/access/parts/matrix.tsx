import { Check, Minus } from "lucide-react";
import type { Schema } from "../../kernel/api/types";
import { useProject } from "../../kernel/project";
import { useMay } from "../../kernel/session";
import { useConfirm } from "../../ui/confirm";
import { RefLink } from "../../ui/ref-link";
import { Status } from "../../ui/status";
import { StackedHead, TableFrame } from "../../ui/table";
import { grant, revoke } from "../acts";
import { byNoun } from "../permissions";

interface MatrixProps {
  label: string;
  actors: readonly Schema<"Actor">[];
  bindings: readonly Schema<"Binding">[];
  roles: readonly Schema<"Role">[];
  /** The page is about the one actor, whom it names itself. */
  alone?: boolean;
}

/** Who has which role: people down, roles across; a click gives or takes one, after a question. */
export function Matrix({ label, actors, bindings, roles, alone = false }: MatrixProps) {
  const held = new Map(bindings.map((binding) => [`${binding.actor} ${binding.role}`, binding]));
  return (
    <TableFrame label={label} stacks>
      <table className="table access-matrix" aria-label={label}>
        <thead>
          <tr>
            {!alone && <th scope="col">Name</th>}
            {roles.map(({ name, summary }) => (
              <th key={name} scope="col" title={summary} className="access-role">
                {name.replaceAll("_", " ")}
              </th>
            ))}
            {!alone && <th scope="col">State</th>}
          </tr>
        </thead>
        <tbody>
          {actors.map((actor) => (
            <tr key={actor.id} data-off={actor.disabled || undefined}>
              {!alone && (
                <th scope="row">
                  <RefLink to={actor.id} bare />
                </th>
              )}
              {roles.map((role) => (
                <td key={role.name} className="access-cell">
                  <StackedHead>{role.name.replaceAll("_", " ")}</StackedHead>
                  <Cell actor={actor} role={role} binding={held.get(`${actor.id} ${role.name}`)} />
                </td>
              ))}
              {!alone && (
                <td>
                  <StackedHead>State</StackedHead>
                  {actor.disabled ? <Status kind="bad" word="disabled" /> : <span className="muted">active</span>}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

interface CellProps {
  actor: Schema<"Actor">;
  role: Schema<"Role">;
  binding: Schema<"Binding"> | undefined;
}

function Cell({ actor, role, binding }: CellProps) {
  const project = useProject();
  const may = useMay("access:admin");
  const confirm = useConfirm();
  const name = actor.id.replace(/^\w+:/, "");
  const where = role.name === "admin" ? "all projects" : project;
  const has = binding !== undefined;
  const ask = () =>
    confirm(
      has
        ? {
            title: `Remove ${role.name} from ${name}?`,
            text: `In ${where}, from the next request on: ${role.summary}.`,
            verb: "Remove",
            danger: true,
            act: () => revoke(actor.id, role.name),
          }
        : {
            title: `Make ${name} ${role.name} in ${where}?`,
            text: <WhatItGives role={role} />,
            verb: "Grant",
            act: () => grant(actor.id, role.name),
          },
    );
  const fromGroup = binding?.source === "oidc";
  const why = fromGroup ? "granted by a group of the identity provider: change it there" : undefined;
  const words = has ? `${name} is ${role.name}${fromGroup ? ", by a group" : ""}` : `${name} is not ${role.name}`;
  const glyph = has ? <Check size={16} strokeWidth={2.5} aria-hidden /> : <Minus size={12} aria-hidden />;
  if (!may)
    return (
      <span role="img" className="access-mark" data-has={has || undefined} aria-label={words} title={words}>
        {glyph}
      </span>
    );
  return (
    <button
      type="button"
      className="access-mark"
      aria-pressed={has}
      aria-label={words}
      title={why ? `${words}; ${why}` : words}
      disabled={why !== undefined}
      data-group={fromGroup || undefined}
      onClick={() => void ask()}
    >
      {glyph}
    </button>
  );
}

function WhatItGives({ role }: { role: Schema<"Role"> }) {
  const nouns = [...byNoun(role.permissions)].filter(([, verbs]) => verbs.some((verb) => verb !== "read"));
  return (
    <>
      <p>{role.summary}. It counts from the next request on. Beyond reading:</p>
      <ul className="access-gives">
        {nouns.map(([noun, verbs]) => (
          <li key={noun}>
            <span className="muted">{noun}</span> {verbs.filter((verb) => verb !== "read").join(", ")}
          </li>
        ))}
        {nouns.length === 0 && <li>nothing</li>}
      </ul>
    </>
  );
}
