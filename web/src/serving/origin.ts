import { parse } from "../kernel/ref";
import { fold, type GraphData } from "../ui/graph/narrow";

const WORDS: readonly (readonly [kind: string, word: string])[] = [
  ["model", "Model"],
  ["evaluation", "Evaluation"],
  ["run", "Runs"],
  ["feature", "Features"],
  ["dataset", "Data"],
  ["source", "Files"],
];

/** What an answer comes from, by kind, from the model back to the files; a dataset is named by its versions. */
export function levelsOf(nodes: readonly string[]): { word: string; refs: string[] }[] {
  return WORDS.flatMap(([kind, word]) => {
    const refs = nodes.filter((node) => {
      const ref = parse(node);
      return ref?.kind === kind && (kind !== "dataset" || ref.at !== undefined);
    });
    const sorted = refs.toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }));
    return refs.length ? [{ word, refs: sorted }] : [];
  });
}

/** Of a file its name; its digest stays on hover. */
export function nameOf(ref: string): string | undefined {
  const found = parse(ref);
  return found?.kind === "source" ? found.name : undefined;
}

/** The versions of a dataset, and all files, are one node each; `single` are those that stand for themselves. */
export function graphOf(
  refs: readonly string[],
  edges: readonly { source: string; target: string }[],
): GraphData & { single: ReadonlySet<string> } {
  const nodes = refs.map((id) => {
    const ref = parse(id);
    return {
      id,
      kind: ref?.kind ?? "",
      label: ref?.kind === "source" ? "files" : (ref?.name ?? id),
      ...(ref?.at !== undefined && ref.kind !== "source" && { note: `version ${ref.at}` }),
    };
  });
  const data = { nodes, edges: edges.map(({ source, target }) => [source, target] as const) };
  const group = ({ id }: { id: string }) => {
    const ref = parse(id);
    if (ref?.kind === "source") return "source";
    return ref?.kind === "dataset" ? `dataset:${ref.name}` : id;
  };
  const folded = fold(data, group);
  return { ...folded, single: new Set(folded.nodes.map(({ id }) => id).filter((id) => id !== "source")) };
}
