import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Schema } from "../../kernel/api/types";
import { useProject } from "../../kernel/project";
import { choice, number, useUrlState } from "../../kernel/url";
import { Section } from "../../ui/card";
import { Empty } from "../../ui/empty";
import { Loaded } from "../../ui/loaded";
import { Skeleton } from "../../ui/skeleton";
import { Tabs } from "../../ui/tabs";
import { rowsQuery, versionRef } from "../queries";
import { About } from "./about";
import { Columns } from "./columns";
import { ContractChecks } from "./contract";
import { Records } from "./records";

type Story = Schema<"DatasetStory">;

const FIELDS = { version: number(), tab: choice("columns", "rows", "contract", "about") };
const TABS = [
  { value: "columns", text: "Columns" },
  { value: "rows", text: "Rows" },
  { value: "contract", text: "Contract" },
  { value: "about", text: "About and lineage" },
] as const;
const ROWS = 30;

/** One version of a dataset: its columns and rows, what it was measured by, and whose it is. */
export function VersionPanel({ story, version }: { story: Story; version: number | undefined }) {
  const [{ tab }, set] = useUrlState(FIELDS);
  const { dataset } = story.state;
  const project = useProject();
  const ref = version === undefined ? undefined : versionRef(dataset.name, version);
  return (
    <Section
      title="Version"
      aside={
        version !== undefined && (
          <>
            {version > 1 && (
              <Link to={`/${project}/data/${encodeURIComponent(dataset.name)}/diff?a=${version - 1}&b=${version}`}>
                What changed
              </Link>
            )}
            <VersionSelect story={story} version={version} />
          </>
        )
      }
    >
      <Tabs label="Version" items={TABS} value={tab} onChange={(next) => set({ tab: next })}>
        {tab === "contract" && <ContractChecks story={story} />}
        {tab === "about" && <About dataset={dataset} version={ref} />}
        {ref === undefined && (tab === "columns" || tab === "rows") && <Empty title="No delivery was accepted yet" />}
        {ref && tab === "columns" && <Columns version={ref} contract={dataset.contract} />}
        {ref && tab === "rows" && <FirstRows version={ref} contract={dataset.contract} />}
      </Tabs>
    </Section>
  );
}

function VersionSelect({ story: { state, deliveries }, version }: { story: Story; version: number }) {
  const [, set] = useUrlState(FIELDS);
  const latest = state.version?.version ?? version;
  const keys = new Map(deliveries.map((delivery) => [delivery.version, delivery.key]));
  return (
    <select
      aria-label="Version"
      className="version-select"
      value={version}
      onChange={({ target }) => set({ version: Number(target.value) === latest ? undefined : Number(target.value) })}
    >
      {Array.from({ length: Math.max(latest, version) }, (_, i) => Math.max(latest, version) - i).map((one) => (
        <option key={one} value={one}>
          {one}
          {keys.has(one) && `, of ${keys.get(one)}`}
          {one === latest && ", the latest"}
        </option>
      ))}
    </select>
  );
}

function FirstRows({ version, contract }: { version: string; contract: Schema<"Contract"> }) {
  return (
    <Loaded query={useQuery(rowsQuery(version, ROWS))} skeleton={<Skeleton lines={8} />}>
      {(rows) => (
        <figure className="version-rows">
          <figcaption>The first {rows.length} rows</figcaption>
          <Records label={`The first rows of ${version}`} rows={rows} identity={contract.key ?? []} />
        </figure>
      )}
    </Loaded>
  );
}
