import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { useActor, useMay } from "../../kernel/session";
import { date } from "../../kernel/time";
import { Field } from "../../ui/field";
import { FormDialog } from "../../ui/form-dialog";
import { Segments } from "../../ui/tabs";
import { patternsOf } from "../permissions";
import { actorsQuery, projectsQuery } from "../queries";
import { Boxes } from "./boxes";
import { PermissionField } from "./permission-field";
import { useRealNow } from "./real-time";
import { Secret } from "./secret";

const DAY_MS = 86_400_000;
const SCOPES = [
  { value: "all", text: "All of its actor" },
  { value: "read", text: "Read only" },
  { value: "some", text: "Chosen" },
] as const;
type Scope = (typeof SCOPES)[number]["value"];

/** A new token: for whom, for how long, for what, where. */
export function IssueToken({ actor: given, onClose }: { actor?: string; onClose: () => void }) {
  const self = useActor();
  const [actor, setActor] = useState(given ?? self);
  const [days, setDays] = useState(90);
  const [scope, setScope] = useState<Scope>("all");
  const [patterns, setPatterns] = useState("run:* *:read");
  const [projects, setProjects] = useState<readonly string[]>([]);
  const [issued, setIssued] = useState<Schema<"IssuedToken">>();
  const { data: known = [] } = useQuery(projectsQuery);
  const now = useRealNow();
  if (issued) return <Secret issued={issued} onClose={onClose} />;
  const permissions = { all: null, read: ["*:read"], some: patternsOf(patterns) }[scope];
  return (
    <FormDialog
      title="Issue a token"
      verb="Issue"
      act={(field) => {
        const body = { days, name: field("name"), permissions, projects: projects.length ? [...projects] : null };
        return send("post", "/access/actors/{actor}/tokens", { path: { actor }, body });
      }}
      onDone={setIssued}
      onClose={onClose}
    >
      <SpeaksFor actor={actor} self={self} onChange={setActor} />
      <Field label="Name" name="name" hint="Replaces the actor's token of that name, if there is one.">
        <input autoComplete="off" placeholder="laptop" />
      </Field>
      <Field label="Days" name="days" hint={`Ends on ${date(now + (days || 0) * DAY_MS)}.`}>
        <input
          type="number"
          min={1}
          max={3650}
          required
          value={Number.isNaN(days) ? "" : days}
          onChange={(event) => setDays(event.target.valueAsNumber)}
        />
      </Field>
      <div className="form">
        <span className="access-label">What it may</span>
        <Segments label="What it may" items={SCOPES} value={scope} onChange={setScope} />
        {scope === "some" && <PermissionField value={patterns} onChange={setPatterns} />}
      </div>
      {known.length > 1 && (
        <Boxes
          label="Only in these projects; none means all"
          items={known.map(({ name }) => ({ value: name, text: name }))}
          chosen={projects}
          onChange={setProjects}
        />
      )}
    </FormDialog>
  );
}

function SpeaksFor({ actor, self, onChange }: { actor: string; self: string; onChange: (actor: string) => void }) {
  const may = useMay("access:read");
  const { data: actors = [] } = useQuery({ ...actorsQuery, enabled: may });
  const others = actors.filter(({ id, disabled }) => id !== self && !disabled).map(({ id }) => id);
  return (
    <Field
      label="Actor"
      name="actor"
      {...(actor !== self && { hint: "A token that you issue for somebody else cannot approve models." })}
    >
      <select value={actor} onChange={(event) => onChange(event.target.value)}>
        {[self, ...others].map((id) => (
          <option key={id} value={id}>
            {id === self ? `${id} (you)` : id}
          </option>
        ))}
      </select>
    </Field>
  );
}
