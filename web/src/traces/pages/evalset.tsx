import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useMemo, useState } from "react";
import { send } from "../../kernel/api/client";
import { count } from "../../kernel/number";
import { useProject } from "../../kernel/project";
import { useMay } from "../../kernel/session";
import { useParam } from "../../kernel/url";
import { useVerbs } from "../../kernel/verbs";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { useConfirm } from "../../ui/confirm";
import { Empty } from "../../ui/empty";
import { Id } from "../../ui/id";
import { Json } from "../../ui/json";
import { Loaded } from "../../ui/loaded";
import { Page } from "../../ui/page";
import { RefLink } from "../../ui/ref-link";
import { Table, type TableColumn } from "../../ui/table";
import { Time } from "../../ui/time";
import { toast } from "../../ui/toasts";
import { ExampleDialog } from "../parts/example-dialog";
import { evalsetQuery, recordsQuery } from "../queries";
import type { EvalRecord, EvalSet } from "../words";
import "../traces.css";

/** What is an application asked, and what should it say? */
export function EvalSetPage() {
  const id = useParam("evalset");
  const project = useProject();
  const set = useQuery(evalsetQuery(id));
  return (
    <Page
      title={set.data?.name ?? "Evaluation set"}
      lead={set.data && <Lead set={set.data} />}
      crumbs={[
        { text: "Traces", to: `/${project}/traces` },
        { text: "Evaluation sets", to: `/${project}/evalsets` },
      ]}
      actions={set.data && <Delete set={set.data} />}
    >
      <Loaded query={set}>{(found) => <Records set={found} />}</Loaded>
    </Page>
  );
}

function Lead({ set: { id, changed_at, changed_by } }: { set: EvalSet }) {
  return (
    <>
      Changed <Time at={changed_at} /> by <RefLink to={changed_by} bare />, <Id value={id} what="id of the set" />
    </>
  );
}

function Records({ set }: { set: EvalSet }) {
  const found = useInfiniteQuery(recordsQuery(set.id));
  const may = useMay("trace:write");
  const [edited, setEdited] = useState<EvalRecord | "new">();
  useVerbs(
    useMemo(
      () => [{ label: "Add an example", run: () => setEdited("new"), enabled: may || "needs trace:write" }],
      [may],
    ),
  );
  const drop = async ({ id }: EvalRecord) => {
    const [path, body] = [{ evalset: set.id }, { records: [id] }];
    await send("post", "/evalsets/{evalset}/dropped-records", { path, body });
    toast({ text: "The example is no longer in the set" });
  };
  return (
    <Section
      title="Examples"
      note={set.records || undefined}
      aside={
        may && (
          <Button small icon={<Plus aria-hidden />} onClick={() => setEdited("new")}>
            Add example
          </Button>
        )
      }
    >
      <Loaded query={found} empty={EMPTY}>
        {(records) => (
          <Table
            label="Examples"
            columns={may ? [...COLUMNS, acts(setEdited, (record) => void drop(record))] : COLUMNS}
            rows={records}
            rowKey={({ id }) => id}
          />
        )}
      </Loaded>
      {found.hasNextPage && (
        <Button disabled={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
          Show more
        </Button>
      )}
      {edited && (
        <ExampleDialog
          evalset={set.id}
          edited={edited === "new" ? undefined : edited}
          onClose={() => setEdited(undefined)}
        />
      )}
    </Section>
  );
}

const EMPTY = (
  <Empty title="No examples yet">
    Add one here, or from the page of a trace; programs do by <code>traces.merge_records</code>.
  </Empty>
);

const COLUMNS: readonly TableColumn<EvalRecord>[] = [
  { head: "Inputs", grow: true, cell: ({ inputs }) => <Json value={inputs} /> },
  { head: "Expectations", grow: true, cell: ({ expectations }) => <Told value={expectations} /> },
  { head: "Source", cell: (record) => <From record={record} /> },
  { head: "Added", cell: ({ created_at }) => <Time at={created_at} /> },
];

function acts(edit: (record: EvalRecord) => void, drop: (record: EvalRecord) => void): TableColumn<EvalRecord> {
  return {
    head: "Acts",
    quiet: true,
    align: "end",
    cell: (record) => (
      <span className="row question-acts">
        <Button small kind="quiet" aria-label={`Edit ${JSON.stringify(record.inputs)}`} onClick={() => edit(record)}>
          Edit
        </Button>
        <Button small kind="quiet" aria-label={`Remove ${JSON.stringify(record.inputs)}`} onClick={() => drop(record)}>
          Remove
        </Button>
      </span>
    ),
  };
}

function Told({ value = {} }: { value: EvalRecord["expectations"] }) {
  return Object.keys(value).length > 0 ? <Json value={value} /> : <span className="muted">none</span>;
}

/** The trace that it was made from, where it was. */
function From({ record: { source } }: { record: EvalRecord }) {
  const data = source?.source_data ?? source;
  const trace = typeof data === "object" && data !== null && "trace_id" in data ? data.trace_id : undefined;
  return typeof trace === "string" ? <RefLink to={`trace:${trace}`} /> : <span className="muted">–</span>;
}

function Delete({ set }: { set: EvalSet }) {
  const may = useMay("trace:purge");
  const confirm = useConfirm();
  const navigate = useNavigate();
  const project = useProject();
  if (!may) return null;
  const ask = async () => {
    const answer = await confirm({
      title: `Delete ${set.name}?`,
      text: `${count(set.records, "example")} go with it, and nothing brings them back. The traces that they come from stay.`,
      verb: "Delete",
      danger: true,
      act: () => send("delete", "/evalsets/{evalset}", { path: { evalset: set.id } }),
    });
    if (!answer) return;
    toast({ text: `${set.name} is deleted` });
    await navigate({ to: `/${project}/evalsets` });
  };
  return <Button onClick={() => void ask()}>Delete</Button>;
}
