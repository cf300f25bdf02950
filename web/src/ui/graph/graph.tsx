import {
  type Node,
  type NodeProps,
  Panel,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStore,
  ViewportPortal,
} from "@xyflow/react";
import "@xyflow/react/dist/base.css";
import { Maximize, Minus, Plus } from "lucide-react";
import { type KeyboardEvent, type RefObject, useEffect, useMemo, useRef, useState } from "react";
import { Button } from "../button";
import { ErrorBox } from "../error-box";
import { useWidth } from "../size";
import { Skeleton } from "../skeleton";
import { BOX } from "./box";
import { useLaid } from "./laid";
import type { Laid } from "./layout";
import { type GraphData, type GraphNode, type Narrowed, narrow } from "./narrow";
import { fitting, nearFocus } from "./sight";
import "./graph.css";

interface GraphProps extends GraphData {
  label: string;
  /** The node that the picture is about; only what is within `hops` of it is drawn. */
  focus?: string;
  hops?: number;
  /** The node that is chosen, where nothing is narrowed to it. */
  marked?: string;
  height?: number;
  /** A click on a node, or Enter. */
  onOpen?: (id: string) => void;
}

/** A graph that stays readable: narrowed to a neighbourhood, laid out beside the page, walked by arrows along its edges. */
export function Graph({ nodes, edges, label, focus, hops = 2, marked, height = 440, onOpen }: GraphProps) {
  const shown = useMemo(() => narrow({ nodes, edges }, focus, hops), [nodes, edges, focus, hops]);
  const { laid, error } = useLaid(shown);
  if (error) return <ErrorBox error={new Error(error)} />;
  if (!laid) return <Skeleton height={height} />;
  return (
    <ReactFlowProvider>
      <Picture shown={shown} laid={laid} label={label} focus={focus ?? marked} height={height} onOpen={onOpen} />
    </ReactFlowProvider>
  );
}

interface PictureProps {
  shown: Narrowed;
  laid: Laid;
  label: string;
  focus: string | undefined;
  height: number;
  onOpen: ((id: string) => void) | undefined;
}

const TYPES = { box: Box };

function Picture({ shown, laid, label, focus, height, onOpen }: PictureProps) {
  const [active, setActive] = useState(focus ?? shown.nodes[0]?.id);
  const [walked, setWalked] = useState(false);
  const moved = useRef(false);
  const flow = useReactFlow();
  const [frame, width] = useWidth();
  const tall = fitting(laid, width, height);
  const near = nearFocus(laid, focus, width, tall);
  const boxes = useMemo(
    () =>
      shown.nodes.map(
        (node): BoxNode => ({
          id: node.id,
          type: "box",
          position: laid.at[node.id] ?? { x: 0, y: 0 },
          ...BOX,
          data: {
            node,
            more: shown.more.get(node.id) ?? 0,
            focus: node.id === focus,
            active: walked && node.id === active,
          },
        }),
      ),
    [shown, laid, focus, active, walked],
  );
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && active !== undefined) return onOpen?.(active);
    const next = active !== undefined && along(event.key, active, shown, laid);
    if (!next) return;
    event.preventDefault();
    setWalked(true);
    setActive(next);
    const { x, y } = laid.at[next] ?? { x: 0, y: 0 };
    void flow.setCenter(x + BOX.width / 2, y + BOX.height / 2, { zoom: Math.max(0.8, flow.getZoom()) });
  };
  return (
    <div
      ref={frame}
      className="graph"
      role="group"
      aria-label={`${label}: arrows follow the edges, Enter opens`}
      tabIndex={0}
      style={{ height: tall }}
      onKeyDown={onKeyDown}
      onBlur={() => setWalked(false)}
    >
      {width > 0 && (
        <ReactFlow
          nodes={boxes}
          nodeTypes={TYPES}
          {...(near ? { defaultViewport: near } : { fitView: true, fitViewOptions: FIT })}
          minZoom={0.02}
          maxZoom={1.5}
          nodesDraggable={false}
          nodesConnectable={false}
          nodesFocusable={false}
          elementsSelectable={false}
          zoomOnScroll={false}
          preventScrolling={false}
          attributionPosition="bottom-left"
          onMoveStart={(event) => {
            moved.current ||= Boolean(event); // without one the picture moved itself
          }}
          onNodeClick={(_, { id }) => onOpen?.(id)}
        >
          {!near && <Fitted unless={moved} />}
          <Ways laid={laid} active={walked ? active : undefined} />
          <Panel position="bottom-right" className="graph-tools">
            <Button small aria-label="Closer" icon={<Plus aria-hidden />} onClick={() => void flow.zoomIn()} />
            <Button small aria-label="Farther" icon={<Minus aria-hidden />} onClick={() => void flow.zoomOut()} />
            <Button
              small
              aria-label="Show all"
              icon={<Maximize aria-hidden />}
              onClick={() => void flow.fitView(FIT)}
            />
          </Panel>
        </ReactFlow>
      )}
      <AsList shown={shown} label={label} />
    </div>
  );
}

const FIT = { padding: 0.05, minZoom: 0.02, maxZoom: 1 };

/** Its frame may get another size than it began with: until somebody moves the picture, all of it stays in sight. */
function Fitted({ unless }: { unless: RefObject<boolean> }) {
  const flow = useReactFlow();
  const [width, height] = [useStore((state) => state.width), useStore((state) => state.height)];
  useEffect(() => {
    if (width > 0 && height > 0 && !unless.current) void flow.fitView(FIT);
  }, [flow, width, height, unless]);
  return null;
}

function Ways({ laid, active }: { laid: Laid; active: string | undefined }) {
  return (
    <ViewportPortal>
      <svg className="graph-ways" width={laid.width} height={laid.height} aria-hidden>
        {laid.ways.map(({ from, to, path }) => (
          <path key={`${from} ${to}`} d={path} data-active={from === active || to === active || undefined} />
        ))}
      </svg>
    </ViewportPortal>
  );
}

type BoxNode = Node<{ node: GraphNode; more: number; focus: boolean; active: boolean }, "box">;

function Box({ data: { node, more, focus, active } }: NodeProps<BoxNode>) {
  const zoom = useStore(({ transform }) => (transform[2] < 0.5 ? "far" : transform[2] < 0.8 ? "middle" : "near"));
  return (
    <div
      className="graph-box"
      data-kind={node.state}
      data-noun={node.kind}
      data-focus={focus || undefined}
      data-active={active || undefined}
      data-zoom={zoom}
      title={`${node.kind} ${node.label}`}
    >
      <span className="graph-noun">
        {node.kind}
        {node.note && <span> · {node.note}</span>}
      </span>
      <span className="graph-name">{node.label}</span>
      {more > 0 && <span className="graph-more">+{more}</span>}
    </div>
  );
}

/** The same for who cannot see it: each node with what it leads to. */
function AsList({ shown, label }: { shown: Narrowed; label: string }) {
  const names = new Map(shown.nodes.map(({ id, kind, label: name }) => [id, `${kind} ${name}`]));
  return (
    <ul className="sr-only" aria-label={`${label} as a list`}>
      {shown.nodes.map(({ id }) => {
        const to = shown.edges.filter(([from]) => from === id).map(([, next]) => names.get(next));
        return (
          <li key={id}>
            {names.get(id)}
            {to.length > 0 && ` leads to ${to.join(", ")}`}
          </li>
        );
      })}
    </ul>
  );
}

/** Where an arrow leads: right and left along edges, up and down within the column. */
function along(key: string, from: string, { edges }: Narrowed, { at }: Laid): string | undefined {
  if (key === "ArrowRight") return edges.find(([source]) => source === from)?.[1];
  if (key === "ArrowLeft") return edges.find(([, target]) => target === from)?.[0];
  const here = at[from];
  if (!here || (key !== "ArrowDown" && key !== "ArrowUp")) return undefined;
  const sign = key === "ArrowDown" ? 1 : -1;
  const column = Object.entries(at).filter(
    ([, place]) => Math.abs(place.x - here.x) < 1 && (place.y - here.y) * sign > 0,
  );
  return column.sort(([, a], [, b]) => (a.y - b.y) * sign)[0]?.[0];
}
