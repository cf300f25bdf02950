import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Schema } from "../../kernel/api/types";
import { bytes } from "../../kernel/number";
import { useProject } from "../../kernel/project";
import { Card } from "../../ui/card";
import { Facts } from "../../ui/facts";
import { Id } from "../../ui/id";
import { Loaded } from "../../ui/loaded";
import { RefLink } from "../../ui/ref-link";
import { Time } from "../../ui/time";
import { lineageQuery, versionQuery } from "../queries";

type Dataset = Schema<"Dataset">;

const MODES = { append: "each delivery adds its rows", replace: "each delivery replaces the one before" };

/** Whose the data is, what it may be used for, where a version came from and where it went. */
export function About({ dataset, version }: { dataset: Dataset; version: string | undefined }) {
  return (
    <div className="grid">
      <Card title="Dataset">
        <Facts
          items={[
            ["Owner", dataset.owner && <RefLink to={dataset.owner} bare />],
            ["Purpose", dataset.purpose || null],
            ["Licence", dataset.licence || null],
            ["Key", dataset.contract.key?.join(", ") || "none: rows are told apart as a whole"],
            ["Time", dataset.contract.time],
            ["Mode", `${dataset.mode}: ${MODES[dataset.mode]}`],
            [
              "Declared",
              <>
                <Time at={dataset.created_at} /> by <RefLink to={dataset.created_by} bare />
              </>,
            ],
          ]}
        />
      </Card>
      {version && <VersionCard version={version} />}
      {version && <LineageCard version={version} />}
    </div>
  );
}

function VersionCard({ version }: { version: string }) {
  return (
    <Card title={version}>
      <Loaded query={useQuery(versionQuery(version))}>
        {(it) => (
          <Facts
            items={[
              ["Delivered", <Time key="at" at={it.created_at} />],
              ["By", <RefLink key="by" to={it.delivered_by} bare />],
              ["Source", <code key="source">{it.source}</code>],
              ["Source SHA-256", <Id key="sha" value={it.source_digest} what="SHA-256 of the source" />],
              ["Digest", <Id key="digest" value={it.digest} what="digest of the version" />],
              ["Size", `${bytes(it.size)} in ${it.parts.length} ${it.parts.length === 1 ? "part" : "parts"}`],
            ]}
          />
        )}
      </Loaded>
    </Card>
  );
}

function LineageCard({ version }: { version: string }) {
  const project = useProject();
  const up = useQuery(lineageQuery(version, "up"));
  const down = useQuery(lineageQuery(version, "down"));
  const ref = `dataset:${version}`;
  return (
    <Card title="Lineage" aside={<Link to={`/${project}/lineage/${encodeURIComponent(ref)}`}>Graph</Link>}>
      <Facts
        items={[
          ["Made from", <Neighbours key="up" graph={up} of={ref} />],
          ["Used by", <Neighbours key="down" graph={down} of={ref} />],
        ]}
      />
    </Card>
  );
}

function Neighbours({ graph, of }: { graph: ReturnType<typeof useQuery<Schema<"Graph">>>; of: string }) {
  return (
    <Loaded query={graph}>
      {({ nodes }) => {
        const others = nodes.filter((node) => node !== of);
        if (others.length === 0) return <span className="muted">nothing</span>;
        return (
          <ul className="about-list">
            {others.map((node) => (
              <li key={node}>
                <RefLink to={node} />
              </li>
            ))}
          </ul>
        );
      }}
    </Loaded>
  );
}
