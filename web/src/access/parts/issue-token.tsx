import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { send } from "../../kernel/api/client";
import { useActor, useMay } from "../../kernel/session";
import { date } from "../../kernel/time";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ErrorBox } from "../../ui/error-box";
import { Field } from "../../ui/field";
import { Segments } from "../../ui/tabs";
import { patternsOf } from "../permissions";
import { actorsQuery, projectsQuery } from "../queries";
import { PermissionField } from "./permission-field";
import { useRealNow } from "./real-time";
import { Secret } from "./secret";

const DAY_MS = 86_400_000;
const SCOPES = [
  { value: "all", text: "All that it may" },
  { value: "read", text: "Read only" },
  { value: "some", text: "Chosen" },
] as const;
type Scope = (typeof SCOPES)[number]["value"];

/** A new token: for whom, for how long, for what, where. */
export function IssueToken({ actor: given, onClose }: { actor?: string; onClose: () => void }) {
  const form = useId();
  const self = useActor();
  const [name, setName] = useState("");
  const [actor, setActor] = useState(given ?? self);
  const [days, setDays] = useState(90);
  const [scope, setScope] = useState<Scope>("all");
  const [patterns, setPatterns] = useState("run:* *:read");
  const [projects, setProjects] = useState<readonly string[]>([]);
  const now = useRealNow();
  const issue = useMutation({
    mutationFn: () => {
      const permissions = scope === "all" ? null : scope === "read" ? ["*:read"] : patternsOf(patterns);
      const body = { days, name, permissions, projects: projects.length ? [...projects] : null };
      return send("post", "/access/actors/{actor}/tokens", { path: { actor }, body });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    issue.mutate();
  };
  if (issue.data) return <Secret issued={issue.data} onClose={onClose} />;
  const actions = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button kind="primary" type="submit" form={form} busy={issue.isPending}>
        Issue
      </Button>
    </>
  );
  return (
    <Dialog title="Issue a token" onClose={onClose} actions={actions}>
      <form id={form} className="access-form" onSubmit={submit}>
        <SpeaksFor actor={actor} self={self} onChange={setActor} />
        <Field label="Name" hint="Replaces the actor's token of that name, if there is one.">
          <input
            autoComplete="off"
            placeholder="laptop"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </Field>
        <Field label="Days" hint={`Ends on ${date(now + (days || 0) * DAY_MS)}.`}>
          <input
            type="number"
            min={1}
            max={3650}
            required
            value={Number.isNaN(days) ? "" : days}
            onChange={(event) => setDays(event.target.valueAsNumber)}
          />
        </Field>
        <div className="access-form">
          <span className="access-label">What it may</span>
          <Segments label="What it may" items={SCOPES} value={scope} onChange={setScope} />
          {scope === "some" && <PermissionField value={patterns} onChange={setPatterns} />}
        </div>
        <ProjectBoxes chosen={projects} onChange={setProjects} />
        {issue.error && <ErrorBox error={issue.error} />}
      </form>
    </Dialog>
  );
}

function SpeaksFor({ actor, self, onChange }: { actor: string; self: string; onChange: (actor: string) => void }) {
  const may = useMay("access:read");
  const { data: actors = [] } = useQuery({ ...actorsQuery, enabled: may });
  const others = actors.filter(({ id, disabled }) => id !== self && !disabled).map(({ id }) => id);
  return (
    <Field
      label="Speaks for"
      {...(actor !== self && { hint: "A token that you issue for another approves no model: four eyes stay four." })}
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

interface ProjectBoxesProps {
  chosen: readonly string[];
  onChange: (chosen: readonly string[]) => void;
}

function ProjectBoxes({ chosen, onChange }: ProjectBoxesProps) {
  const { data: projects = [] } = useQuery(projectsQuery);
  if (projects.length < 2) return null;
  return (
    <fieldset className="access-boxes">
      <legend>Only in these projects; none means all</legend>
      {projects.map(({ name }) => (
        <label key={name}>
          <input
            type="checkbox"
            checked={chosen.includes(name)}
            onChange={(event) =>
              onChange(event.target.checked ? [...chosen, name] : chosen.filter((other) => other !== name))
            }
          />
          {name}
        </label>
      ))}
    </fieldset>
  );
}
