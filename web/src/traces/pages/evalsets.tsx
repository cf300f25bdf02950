import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useMemo, useState } from "react";
import { useProject } from "../../kernel/project";
import { href } from "../../kernel/ref";
import { useMay } from "../../kernel/session";
import { useVerbs } from "../../kernel/verbs";
import { Button } from "../../ui/button";
import { Empty } from "../../ui/empty";
import { Listing } from "../../ui/listing";
import { Loaded } from "../../ui/loaded";
import { Num } from "../../ui/num";
import { Page } from "../../ui/page";
import { RefLink } from "../../ui/ref-link";
import { Time } from "../../ui/time";
import { MakeSet } from "../parts/examples";
import { evalsetsQuery } from "../queries";
import type { EvalSet } from "../words";

/** Which examples are applications judged by? */
export function EvalSetsPage() {
  const project = useProject();
  const navigate = useNavigate();
  const may = useMay("trace:write");
  const [making, setMaking] = useState(false);
  const make = () => setMaking(true);
  useVerbs(
    useMemo(
      () => [{ label: "New evaluation set", run: () => setMaking(true), enabled: may || "needs trace:write" }],
      [may],
    ),
  );
  return (
    <Page
      title="Evaluation sets"
      lead="Examples that applications are judged by: what goes in, and what is expected."
      crumbs={[{ text: "Traces", to: `/${project}/traces` }]}
      actions={
        may && (
          <Button kind="primary" icon={<Plus aria-hidden />} onClick={make}>
            New evaluation set
          </Button>
        )
      }
    >
      <Loaded query={useQuery(evalsetsQuery)} empty={NONE}>
        {(sets) => (
          <Listing
            label="Evaluation sets"
            filterLabel="Filter evaluation sets"
            columns={COLUMNS}
            rows={sets}
            name={({ id }) => id}
            place="evalsets"
            words={({ name }) => [name]}
            card={(set) => <Card set={set} />}
            none={(filter) => `No set is called like ${filter}`}
          />
        )}
      </Loaded>
      {making && (
        <MakeSet
          onDone={({ id }) => void navigate({ to: href(project, `evalset:${id}`) })}
          onClose={() => setMaking(false)}
        />
      )}
    </Page>
  );
}

const NONE = (
  <Empty
    title="No evaluation sets yet"
    command={`python -c 'import ostinato as ost; ost.open("store").traces.create_evalset("questions")'`}
  >
    Make one here, then add examples to it from the page of a trace. mlflow.genai.datasets makes them too.
  </Empty>
);

const named = ({ id, name }: EvalSet) => <RefLink to={`evalset:${id}`}>{name}</RefLink>;

const COLUMNS = [
  {
    id: "name",
    head: "Set",
    width: 240,
    grow: true,
    sort: ({ name }: EvalSet) => name,
    cell: named,
  },
  {
    id: "records",
    head: "Examples",
    align: "end" as const,
    sort: ({ records }: EvalSet) => records,
    cell: ({ records }: EvalSet) => <Num value={records} />,
  },
  { id: "changed", head: "Changed", width: 128, cell: ({ changed_at }: EvalSet) => <Time at={changed_at} /> },
  {
    id: "by",
    head: "By",
    width: 160,
    cell: ({ changed_by }: EvalSet) => <RefLink to={changed_by} bare />,
  },
];

function Card({ set }: { set: EvalSet }) {
  return (
    <>
      {named(set)}
      <span className="muted">
        <Num value={set.records} unit={set.records === 1 ? "example" : "examples"} />
      </span>
      <span className="muted">
        changed <Time at={set.changed_at} />
      </span>
    </>
  );
}
