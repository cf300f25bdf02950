import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { type FormEvent, useId, useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { useProject } from "../../kernel/project";
import { useMay } from "../../kernel/session";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { Dialog } from "../../ui/dialog";
import { ErrorBox } from "../../ui/error-box";
import { Field } from "../../ui/field";
import { Loaded } from "../../ui/loaded";
import { Table } from "../../ui/table";
import { Time } from "../../ui/time";
import { projectsQuery } from "../queries";

type Project = Schema<"Project">;

const COLUMNS = [
  { head: "Project", cell: ({ name }: Project) => <Link to={`/${name}`}>{name}</Link> },
  { head: "Made", cell: ({ created_at }: Project) => <Time at={created_at} /> },
  { head: "About", cell: ({ description }: Project) => description || <span className="muted">–</span>, grow: true },
];

/** Everything lives in a project, and it is the boundary of access. */
export function Projects() {
  const here = useProject();
  const may = useMay("project:write");
  const projects = useQuery(projectsQuery);
  const [making, setMaking] = useState(false);
  return (
    <Section
      title="Projects in which you may anything"
      note={projects.data?.length}
      aside={
        <Button
          small
          icon={<Plus aria-hidden />}
          disabled={!may}
          title={may ? undefined : "needs project:write"}
          onClick={() => setMaking(true)}
        >
          New project
        </Button>
      }
    >
      <Loaded query={projects}>
        {(all) => (
          <Table
            label="Projects, one a line"
            columns={COLUMNS}
            rows={all}
            rowKey={({ name }) => name}
            marked={({ name }) => name === here}
          />
        )}
      </Loaded>
      {making && <NewProject onClose={() => setMaking(false)} />}
    </Section>
  );
}

function NewProject({ onClose }: { onClose: () => void }) {
  const form = useId();
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const make = useMutation({
    mutationFn: () => send("post", "/access/projects/{name}", { path: { name }, body: { description } }),
    onSuccess: onClose,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  const actions = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button kind="primary" type="submit" form={form} busy={make.isPending}>
        Create
      </Button>
    </>
  );
  return (
    <Dialog title="New project" onClose={onClose} actions={actions}>
      <form id={form} className="access-form" onSubmit={submit}>
        <Field label="Name" hint="Stands in addresses; it cannot be changed." required>
          <input required autoComplete="off" value={name} onChange={(event) => setName(event.target.value)} />
        </Field>
        <Field label="About">
          <input value={description} onChange={(event) => setDescription(event.target.value)} />
        </Field>
        {make.error && <ErrorBox error={make.error} />}
      </form>
    </Dialog>
  );
}
