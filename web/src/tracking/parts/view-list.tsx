import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { send } from "../../kernel/api/client";
import { useProject } from "../../kernel/project";
import { useActor } from "../../kernel/session";
import { query } from "../../kernel/url";
import { Button } from "../../ui/button";
import { CopyButton } from "../../ui/copy";
import { Dialog } from "../../ui/dialog";
import { Field } from "../../ui/field";
import { FormDialog } from "../../ui/form-dialog";
import { Table, type TableColumn } from "../../ui/table";
import { Time } from "../../ui/time";
import { toast } from "../../ui/toasts";
import { RUNS_FIELDS } from "./fields";
import type { SavedView } from "./look";

interface ViewListProps {
  views: readonly SavedView[];
  /** A view that was open bears another name from now on. */
  named: (view: string) => void;
  onClose: () => void;
}

/** All views of the project, each with an address to send; one's own can be renamed and deleted. */
export function ViewList({ views, named, onClose }: ViewListProps) {
  const project = useProject();
  const actor = useActor();
  const [renamed, setRenamed] = useState<SavedView>();
  if (renamed) {
    const taken = views.map(({ name }) => name);
    return <Rename view={renamed} taken={taken} named={named} onClose={() => setRenamed(undefined)} />;
  }
  const address = ({ name }: SavedView) => `/${project}/runs${query(RUNS_FIELDS, { view: name })}`;
  const columns: TableColumn<SavedView>[] = [
    {
      head: "View",
      grow: true,
      cell: (view) => (
        <span className="row">
          <Link to={address(view)} onClick={onClose}>
            {view.name}
          </Link>
          <CopyButton text={location.origin + address(view)} what={`the address of ${view.name}`} />
        </span>
      ),
    },
    { head: "Of", cell: ({ experiment }) => experiment ?? "all experiments" },
    { head: "By", cell: ({ owner }) => owner.replace(/^\w+:/, "") },
    { head: "Saved", cell: ({ saved_at }) => <Time at={saved_at} /> },
    {
      head: "Acts",
      quiet: true,
      cell: (view) =>
        view.owner === actor && (
          <span className="row">
            <Button small aria-label={`Rename ${view.name}`} onClick={() => setRenamed(view)}>
              Rename
            </Button>
            <Button small aria-label={`Delete ${view.name}`} onClick={() => void drop(view)}>
              Delete
            </Button>
          </span>
        ),
    },
  ];
  return (
    <Dialog title="Views of the runs" onClose={onClose} actions={<Button onClick={onClose}>Close</Button>} wide>
      <Table label="Views, one a line" columns={columns} rows={views} rowKey={({ id }) => id} />
    </Dialog>
  );
}

function again({ name, experiment, where, order_by, columns }: SavedView) {
  return send("post", "/run-views", { body: { name, experiment, where, order_by, columns } });
}

async function drop(view: SavedView): Promise<void> {
  await send("delete", "/run-views/{name}", { path: { name: view.name } });
  toast({ text: `${view.name} is forgotten`, undo: () => again(view) });
}

interface RenameProps {
  view: SavedView;
  /** Names of views: to save under one would take that view's place. */
  taken: readonly string[];
  named: (view: string) => void;
  onClose: () => void;
}

function Rename({ view, taken, named, onClose }: RenameProps) {
  return (
    <FormDialog
      title={`Rename ${view.name}`}
      verb="Rename"
      lead="Addresses with its present name lead nowhere from then on."
      act={async (given) => {
        const name = given("name");
        if (name === view.name) return view;
        if (taken.includes(name)) throw new Error(`There is a view ${name} already: use another name.`);
        const saved = await again({ ...view, name });
        await send("delete", "/run-views/{name}", { path: { name: view.name } });
        return saved;
      }}
      onDone={({ name }) => {
        named(name);
        onClose();
      }}
      onClose={onClose}
    >
      <Field label="Name" name="name" required>
        <input required autoComplete="off" defaultValue={view.name} />
      </Field>
    </FormDialog>
  );
}
