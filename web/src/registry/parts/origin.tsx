import { useQuery } from "@tanstack/react-query";
import { bytes } from "../../kernel/number";
import { Section } from "../../ui/card";
import { Facts } from "../../ui/facts";
import { Id } from "../../ui/id";
import { RefLink } from "../../ui/ref-link";
import { Table, type TableColumn } from "../../ui/table";
import { Time } from "../../ui/time";
import { handlingQuery } from "../queries";
import { Trusted } from "./handled";
import { Proof } from "./proven";
import type { Review } from "./standing";

type Input = Review["version"]["signature"]["inputs"][number];

const INPUTS: TableColumn<Input>[] = [
  { head: "Input", cell: ({ name }) => <code>{name}</code> },
  { head: "Type", cell: ({ dtype }) => dtype },
  { head: "Missing", cell: ({ nullable }) => (nullable ? "may be" : "may not be") },
  { head: "Values", grow: true, cell: ({ categories }) => <Categories values={categories ?? []} /> },
];

/** Where a version came from and what it takes. */
export function Origin({ review: { version, data }, at }: { review: Review; at: string | undefined }) {
  const { signature } = version;
  const ref = `${version.model}@${version.version}`;
  const { data: handled } = useQuery(handlingQuery(ref));
  return (
    <>
      <Section title="Origin">
        <Facts
          items={[
            ["Run", version.run ? <RefLink key="run" to={version.run} /> : undefined],
            [
              "Data",
              <ul key="data">
                {data.map(({ dataset, delivered_at }) => (
                  <li key={dataset}>
                    <RefLink to={dataset} /> <span className="muted">delivered</span> <Time at={delivered_at} />
                  </li>
                ))}
              </ul>,
            ],
            [
              "Features",
              <span key="features" className="row">
                {version.features.map((view) => (
                  <RefLink key={view} to={`feature:${view}`} bare />
                ))}
              </span>,
            ],
            [
              "Evaluation",
              version.evaluation ? <RefLink key="evaluation" to={`evaluation:${version.evaluation}`} /> : undefined,
            ],
            ["Artifact", <Id key="artifact" value={version.artifact} what="digest" />],
            ["Size", bytes(version.size)],
            ["Flavor", version.flavor],
            ["Bound by", <Id key="binding" value={version.binding} what="binding" />],
          ]}
        />
      </Section>
      {!at && handled && <Trusted model={version.model} found={handled} />}
      {!at && handled && <Proof of={ref} kept={handled.proof} />}
      <Section title="Signature" note={signature.inputs.length}>
        <Table label="Inputs" columns={INPUTS} rows={signature.inputs} rowKey={({ name }) => name} />
      </Section>
    </>
  );
}

function Categories({ values }: { values: readonly unknown[] }) {
  if (values.length === 0) return <span className="muted">–</span>;
  const shown = values.slice(0, 12).map(String).join(", ");
  const more = values.length - 12;
  return (
    <span title={values.map(String).join(", ")}>
      {shown}
      {more > 0 && <span className="muted"> and {more} more</span>}
    </span>
  );
}
