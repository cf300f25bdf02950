import { useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { useMay } from "../../kernel/session";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { useConfirm } from "../../ui/confirm";
import { Loaded } from "../../ui/loaded";
import { TableFrame } from "../../ui/table";
import { byNoun, coveredBy } from "../permissions";
import { bindingsQuery, rolesQuery } from "../queries";
import { RoleForm } from "./role-form";

type Role = Schema<"Role">;

/** What each role permits: nouns down, roles across. */
export function Roles() {
  const roles = useQuery(rolesQuery);
  return (
    <div className="stack">
      <Loaded query={roles}>
        {(all) => (
          <>
            <Section title="Permissions by role">
              <Grid roles={all} />
              <p className="muted access-key">
                r reads, w writes; other verbs stand in words. Who has the role has it as it is now, from the next
                request on.
              </p>
            </Section>
            <OwnRoles roles={all} />
          </>
        )}
      </Loaded>
    </div>
  );
}

function Grid({ roles }: { roles: readonly Role[] }) {
  const all = [...new Set(roles.filter(({ project }) => !project).flatMap(({ permissions }) => permissions))];
  const nouns = byNoun(all);
  const has = new Map(roles.map((role) => [role.name, byNoun(coveredBy(role.permissions, all))]));
  return (
    <TableFrame label="Roles across, what they act on down">
      <table className="table access-matrix" aria-label="Roles across, what they act on down">
        <thead>
          <tr>
            <th scope="col">On</th>
            {roles.map(({ name, summary }) => (
              <th key={name} scope="col" title={summary} className="access-head">
                {name.replaceAll("_", " ")}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {[...nouns.keys()].map((noun) => (
            <tr key={noun}>
              <th scope="row">{noun}</th>
              {roles.map(({ name }) => (
                <td key={name} className="access-may">
                  <Verbs verbs={has.get(name)?.get(noun) ?? []} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

const LETTERS: Readonly<Record<string, string>> = { read: "r", write: "w" };

function Verbs({ verbs }: { verbs: readonly string[] }) {
  if (verbs.length === 0) return <span className="access-none">·</span>;
  const letters = verbs
    .map((verb) => LETTERS[verb])
    .filter(Boolean)
    .join("");
  const words = verbs.filter((verb) => !(verb in LETTERS));
  return (
    <span title={verbs.join(", ")} data-writes={verbs.some((verb) => verb !== "read") || undefined}>
      {letters && <code>{letters}</code>} {words.join(" ")}
    </span>
  );
}

function OwnRoles({ roles }: { roles: readonly Role[] }) {
  const may = useMay("access:admin");
  const confirm = useConfirm();
  const [form, setForm] = useState<Role | "new">();
  const reads = useMay("access:read");
  const { data: bindings = [] } = useQuery({ ...bindingsQuery, enabled: reads });
  const own = roles.filter(({ project }) => project);
  const drop = (role: Role) =>
    void confirm({
      title: `Delete the role ${role.name}?`,
      text: "It can no longer be granted. Its definition stays in the ledger.",
      verb: "Delete",
      danger: true,
      act: () =>
        send("delete", "/access/roles/{role}", {
          path: { role: role.name },
          query: { everywhere: role.project === "*" },
        }),
    });
  return (
    <Section
      title="Custom roles"
      note={own.length}
      aside={
        may && (
          <Button small icon={<Plus aria-hidden />} onClick={() => setForm("new")}>
            New role
          </Button>
        )
      }
    >
      {own.length === 0 && (
        <p className="muted">
          None. A custom role is a named set of permissions, such as one that reads and labels outcomes.
        </p>
      )}
      <ul className="access-own">
        {own.map((role) => {
          const holders = bindings
            .filter((binding) => binding.role === role.name)
            .map(({ actor }) => actor.replace(/^\w+:/, ""));
          return (
            <li key={role.name}>
              <div>
                <strong>{role.name}</strong> {role.summary}
                <p className="muted">
                  {role.permissions.join(" ")} · {role.project === "*" ? "in all projects" : "in this project"} ·{" "}
                  {holders.length ? `held by ${holders.join(", ")}` : "held by nobody"}
                </p>
              </div>
              {may && (
                <span className="row">
                  <Button small kind="quiet" onClick={() => setForm(role)}>
                    Change
                  </Button>
                  <Button
                    small
                    kind="danger"
                    disabled={holders.length > 0}
                    title={holders.length ? `${holders[0]} has it` : undefined}
                    onClick={() => drop(role)}
                  >
                    Delete
                  </Button>
                </span>
              )}
            </li>
          );
        })}
      </ul>
      {form && <RoleForm {...(form !== "new" && { role: form })} onClose={() => setForm(undefined)} />}
    </Section>
  );
}
