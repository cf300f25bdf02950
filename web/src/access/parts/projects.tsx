import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { useProject } from "../../kernel/project";
import { useMay } from "../../kernel/session";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { Field } from "../../ui/field";
import { FormDialog } from "../../ui/form-dialog";
import { Loaded } from "../../ui/loaded";
import { Table } from "../../ui/table";
import { Time } from "../../ui/time";
import { projectsQuery } from "../queries";

type Project = Schema<"Project">;

const COLUMNS = [
  { head: "Project", cell: ({ name }: Project) => <Link to={`/${name}`}>{name}</Link> },
  { head: "Created", cell: ({ created_at }: Project) => <Time at={created_at} /> },
  {
    head: "Description",
    cell: ({ description }: Project) => description || <span className="muted">–</span>,
    grow: true,
  },
];

/** Everything lives in a project, and it is the boundary of access. */
export function Projects() {
  const here = useProject();
  const may = useMay("project:write");
  const projects = useQuery(projectsQuery);
  const [making, setMaking] = useState(false);
  return (
    <Section
      title="Projects you have access to"
      note={projects.data?.length}
      aside={
        may && (
          <Button small icon={<Plus aria-hidden />} onClick={() => setMaking(true)}>
            New project
          </Button>
        )
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
  return (
    <FormDialog
      title="New project"
      verb="Create"
      act={(given) =>
        send("post", "/access/projects/{name}", {
          path: { name: given("name") },
          body: { description: given("description") },
        })
      }
      onClose={onClose}
    >
      <Field label="Name" name="name" hint="Stands in addresses; it cannot be changed." required>
        <input required autoComplete="off" />
      </Field>
      <Field label="Description" name="description">
        <input />
      </Field>
    </FormDialog>
  );
}
