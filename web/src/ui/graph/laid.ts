import { useEffect, useMemo, useState } from "react";
import { startWorker } from "../../kernel/worker";
import type { Laid } from "./layout";
import url from "./layout.worker.ts?worker&url";
import type { GraphData } from "./narrow";

interface Answer {
  key: string;
  laid?: Laid;
  error?: string;
}

const known = new Map<string, Laid>();
let worker: Worker | undefined;

/** The layout of a graph, computed beside the page and remembered while it is open. */
export function useLaid(graph: Pick<GraphData, "nodes" | "edges">): {
  laid: Laid | undefined;
  error: string | undefined;
} {
  const key = useMemo(() => JSON.stringify([graph.nodes.map(({ id }) => id), graph.edges]), [graph]);
  const [answer, setAnswer] = useState<Answer>();
  useEffect(() => {
    if (known.has(key)) return;
    worker ??= startWorker(url);
    const own = worker;
    const listen = ({ data }: MessageEvent<Answer>) => {
      if (data.laid) known.set(data.key, data.laid);
      if (data.key === key) setAnswer(data);
    };
    own.addEventListener("message", listen);
    own.postMessage({ key, graph: { nodes: graph.nodes, edges: graph.edges } });
    return () => own.removeEventListener("message", listen);
  }, [key, graph]);
  return { laid: known.get(key), error: answer?.key === key ? answer.error : undefined };
}
