import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, WrapText } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { Button } from "../button";
import { FilterBar } from "../filter-bar";
import { pieces, plain, settled } from "./ansi";
import "./log-view.css";

interface LogViewProps {
  label: string;
  text: string;
  /** More is to come: the end stays in sight until one scrolls away from it. */
  live?: boolean;
  maxHeight?: number;
}

/** A log of any length: only the lines in sight exist, colours are read, markup is not. */
export function LogView({ label, text, live = false, maxHeight = 480 }: LogViewProps) {
  const frame = useRef<HTMLDivElement>(null);
  const [filter, setFilter] = useState("");
  const [wraps, setWraps] = useState(true);
  const [follows, setFollows] = useState(live);
  const lines = useMemo(() => text.replace(/\n$/, "").split("\n").map(settled), [text]);
  const places = useMemo(() => matching(lines, filter), [lines, filter]);
  const virtual = useVirtualizer({
    count: places.length,
    getScrollElement: () => frame.current,
    estimateSize: () => LINE,
    overscan: 20,
  });
  useEffect(() => {
    if (follows && places.length > 0) virtual.scrollToIndex(places.length - 1, { align: "end" });
  }, [follows, places.length, virtual]);
  const onScroll = () => {
    const { scrollTop = 0, clientHeight = 0, scrollHeight = 0 } = frame.current ?? {};
    setFollows(live && scrollTop + clientHeight > scrollHeight - LINE * 2);
  };
  const note = filter ? `${places.length} of ${lines.length} lines` : `${lines.length} lines`;
  return (
    <div className="log">
      <FilterBar label={`Filter ${label}`} value={filter} onChange={setFilter} note={note}>
        <Button
          small
          kind="quiet"
          aria-pressed={wraps}
          icon={<WrapText aria-hidden />}
          onClick={() => setWraps(!wraps)}
        >
          Wrap
        </Button>
        {live && !follows && (
          <Button small kind="quiet" icon={<ArrowDown aria-hidden />} onClick={() => setFollows(true)}>
            Follow
          </Button>
        )}
      </FilterBar>
      <div
        ref={frame}
        className="log-frame"
        role="log"
        aria-live="off"
        aria-label={label}
        tabIndex={0}
        data-wraps={wraps || undefined}
        style={{ maxHeight }}
        onScroll={onScroll}
      >
        <div className="log-lines" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start }) => (
            <LogLine
              key={places[index]}
              ref={virtual.measureElement}
              index={index}
              number={(places[index] ?? 0) + 1}
              start={start}
              text={lines[places[index] ?? 0] ?? ""}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

const LINE = 20;

interface LogLineProps {
  ref: (element: HTMLElement | null) => void;
  index: number;
  number: number;
  start: number;
  text: string;
}

function LogLine({ ref, index, number, start, text }: LogLineProps) {
  return (
    <div ref={ref} data-index={index} className="log-line" style={{ transform: `translateY(${start}px)` }}>
      <span className="log-number" aria-hidden>
        {number}
      </span>
      <code>
        {pieces(text).map(({ text: piece, colour, bold, dim }, i) => (
          <span
            key={i}
            style={{
              ...(colour && { color: `var(--${colour})` }),
              ...(bold && { fontWeight: 700 }),
              ...(dim && { opacity: 0.7 }),
            }}
          >
            {piece}
          </span>
        ))}
      </code>
    </div>
  );
}

function matching(lines: readonly string[], filter: string): number[] {
  const wanted = filter.toLowerCase();
  const places = [...lines.keys()];
  return wanted
    ? places.filter((i) =>
        plain(lines[i] ?? "")
          .toLowerCase()
          .includes(wanted),
      )
    : places;
}
