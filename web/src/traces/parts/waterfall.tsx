import type { KeyboardEvent } from "react";
import { duration } from "../../kernel/time";
import { StatusGlyph } from "../../ui/status";
import { type Node, reach } from "../tree";

interface WaterfallProps {
  nodes: readonly Node[];
  chosen: string | undefined;
  onChoose: (id: string) => void;
}

const INDENT_PX = 14;
const DEEP_MAX = 12;

/** Steps below the step that they are part of, each with a bar over the time of the whole; arrows move. */
export function Waterfall({ nodes, chosen, onChoose }: WaterfallProps) {
  const { from, to } = reach(nodes.map(({ span }) => span));
  const at = (ms: number) => `${(100 * (ms - from)) / (to - from)}%`;
  const move = (event: KeyboardEvent<HTMLElement>) => {
    const step = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
    if (step === undefined) return;
    const next = nodes[nodes.findIndex(({ span }) => span.id === chosen) + step];
    if (!next) return;
    event.preventDefault();
    onChoose(next.span.id);
    event.currentTarget.querySelector<HTMLElement>(`[data-span="${next.span.id}"]`)?.focus();
  };
  return (
    <ol className="waterfall" onKeyDown={move} aria-label="Steps of the trace">
      {nodes.map(({ span, depth }) => (
        <li key={span.id}>
          <button
            type="button"
            data-span={span.id}
            data-state={span.state}
            aria-current={span.id === chosen || undefined}
            tabIndex={span.id === chosen ? 0 : -1}
            onClick={() => onChoose(span.id)}
          >
            <span className="waterfall-name" style={{ paddingLeft: Math.min(depth, DEEP_MAX) * INDENT_PX }}>
              {span.state === "error" && <StatusGlyph kind="bad" />}
              <span title={span.name}>{span.name}</span>
              {span.kind && span.kind !== "UNKNOWN" && (
                <span className="waterfall-kind">{span.kind.toLowerCase()}</span>
              )}
            </span>
            <span className="waterfall-lane" aria-hidden>
              <span
                style={{
                  left: at(span.offset_ms),
                  width: `max(2px, ${(100 * (span.duration_ms ?? to - span.offset_ms)) / (to - from)}%)`,
                }}
                data-open={span.duration_ms === null || undefined}
              />
            </span>
            <span className="waterfall-took">
              {span.duration_ms === null ? "goes on" : duration(span.duration_ms)}
              {span.state === "error" && <span className="sr-only">, failed</span>}
            </span>
          </button>
        </li>
      ))}
    </ol>
  );
}
