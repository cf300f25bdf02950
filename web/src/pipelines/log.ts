import { useEffect, useState } from "react";
import { get } from "../kernel/api/client";
import type { Schema } from "../kernel/api/types";
import { exact } from "../kernel/time";

type LogLine = Schema<"LogLine">;

const BATCH = 1000;
const WAIT_S = 15;
/** What a browser is asked to hold before somebody says that more is wanted. */
const MOST = 50_000;
const AGAIN_MS = 2000;

interface Log {
  lines: readonly LogLine[];
  error: unknown;
  /** There is more than was read; reads on. */
  more: (() => void) | undefined;
}

/** The log of an execution from its beginning, and each further line as it is written; only while the tab is in sight. */
export function useLog(execution: string, ended: boolean): Log {
  const [lines, setLines] = useState<readonly LogLine[]>([]);
  const [error, setError] = useState<unknown>();
  const [most, setMost] = useState(MOST);
  const [visible, setVisible] = useState(!document.hidden);
  useEffect(() => {
    const look = () => setVisible(!document.hidden);
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);
  const last = lines.at(-1)?.seq ?? 0;
  const full = lines.length >= most;
  // One question at a time: its answer moves `last`, which asks the next one.
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    if (full || !visible) return;
    const away = new AbortController();
    let again: ReturnType<typeof setTimeout> | undefined;
    read(execution, last, ended ? 0 : WAIT_S, away.signal)
      .then((next) => {
        setError(undefined);
        if (next.length) setLines((before) => [...before, ...next]);
        else if (!ended) setAsked(asked + 1);
      })
      .catch((failure: unknown) => {
        if (away.signal.aborted) return;
        setError(failure);
        again = setTimeout(() => setAsked(asked + 1), AGAIN_MS);
      });
    return () => {
      away.abort();
      clearTimeout(again);
    };
  }, [execution, last, ended, full, visible, asked]);
  return { lines, error, more: full ? () => setMost(most + MOST) : undefined };
}

function read(execution: string, after: number, timeout_s: number, signal: AbortSignal): Promise<LogLine[]> {
  return get(
    "/executions/{execution}/logs",
    { path: { execution }, query: { after, limit: BATCH, timeout_s } },
    signal,
  );
}

/** Lines as one text: when, by which step, what; a step is named where it is another than in the line before. */
export function logText(lines: readonly LogLine[], names: ReadonlyMap<string, string>): string {
  const width = Math.max(0, ...lines.map(({ step }) => (names.get(step) ?? "").length));
  const indent = " ".repeat(CLOCK + 2 + width);
  return lines
    .map(({ at, step, text }) => {
      const head = `\x1b[2m${exact(at).slice(11, 11 + CLOCK)} ${(names.get(step) ?? "").padEnd(width)}\x1b[0m `;
      return head + text.replace(/\n$/, "").replaceAll("\n", `\n${indent}`);
    })
    .join("\n");
}

const CLOCK = 8;
