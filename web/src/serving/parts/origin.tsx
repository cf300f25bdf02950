import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useMemo } from "react";
import { useProject } from "../../kernel/project";
import { href } from "../../kernel/ref";
import { Section } from "../../ui/card";
import { Loaded } from "../../ui/loaded";
import { RefLink } from "../../ui/ref-link";
import { Skeleton } from "../../ui/skeleton";
import { graphOf, levelsOf, nameOf } from "../origin";
import { lineageQuery } from "../queries";

const Graph = lazy(() => import("../../ui/graph/graph").then((module) => ({ default: module.Graph })));
const GRAPH_HEIGHT = 420;

/** From the answer back to the files. */
export function Origin({ endpoint, request }: { endpoint: string; request: string }) {
  const lineage = useQuery(lineageQuery(endpoint, request));
  return (
    <Section title="Lineage" note="as known at the time of the prediction">
      <Loaded query={lineage} skeleton={<Skeleton height={GRAPH_HEIGHT} />}>
        {({ nodes, edges }) => (
          <>
            <dl className="serving-levels">
              {levelsOf(nodes).map(({ word, refs }) => (
                <div key={word}>
                  <dt>
                    {word} <span className="muted">{refs.length > 1 && refs.length}</span>
                  </dt>
                  <dd>
                    {refs.map((ref) => (
                      <RefLink key={ref} to={ref} bare>
                        {nameOf(ref)}
                      </RefLink>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
            <Picture nodes={nodes} edges={edges} />
          </>
        )}
      </Loaded>
    </Section>
  );
}

interface PictureProps {
  nodes: readonly string[];
  edges: readonly { source: string; target: string }[];
}

function Picture({ nodes, edges }: PictureProps) {
  const project = useProject();
  const navigate = useNavigate();
  const data = useMemo(() => graphOf(nodes, edges), [nodes, edges]);
  const focus = nodes[0];
  const open = (id: string) => {
    if (id !== focus && data.single.has(id)) void navigate({ to: href(project, id) });
  };
  return (
    <Suspense fallback={<Skeleton height={GRAPH_HEIGHT} />}>
      <Graph
        label="Lineage of the prediction"
        nodes={data.nodes}
        edges={data.edges}
        hops={6}
        height={GRAPH_HEIGHT}
        onOpen={open}
        {...(focus !== undefined && { focus })}
      />
    </Suspense>
  );
}
