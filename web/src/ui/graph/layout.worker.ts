import { layout } from "./layout";
import type { GraphData } from "./narrow";

interface Asked {
  key: string;
  graph: Pick<GraphData, "nodes" | "edges">;
}

self.onmessage = ({ data: { key, graph } }: MessageEvent<Asked>) => {
  try {
    self.postMessage({ key, laid: layout(graph) });
  } catch (error) {
    self.postMessage({ key, error: String(error) });
  }
};
