import { Link } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { interval, significant } from "../../kernel/number";
import { useProject } from "../../kernel/project";
import { query } from "../../kernel/url";
import { RefLink } from "../../ui/ref-link";
import { Status } from "../../ui/status";
import { INBOX, type InboxState } from "../filters";
import type { Group } from "../groups";
import type { Finding } from "../queries";
import { change, measureOf, subject, windowName } from "../words";
import { EffectBar } from "./effect-bar";
import { SEVERITIES } from "./finding-state";

interface FindingListProps {
  groups: readonly Group[];
  open: string;
  ticked: ReadonlySet<string>;
  onTick: (ticked: ReadonlySet<string>) => void;
  view: InboxState;
}

/** Findings below the window that each comes from. */
export function FindingList({ groups, open, ticked, onTick, view }: FindingListProps) {
  return groups.map(({ window, first, findings }) => (
    <section key={window} className="finding-group" aria-labelledby={`of-${window}`}>
      <header>
        <Tick
          label={`All of ${windowName({ ...first, key: "" })}`}
          ids={findings.map(({ id }) => id)}
          ticked={ticked}
          onTick={onTick}
        />
        <h2 id={`of-${window}`}>
          <RefLink to={`window:${window}`}>{windowName({ ...first, key: "" })}</RefLink>
        </h2>
        <span className="muted">{first.monitor}</span>
        <span className="finding-many">{findings.length}</span>
      </header>
      <ul>
        {findings.map((finding) => (
          <Line key={finding.id} {...{ finding, ticked, onTick, view }} open={finding.id === open} />
        ))}
      </ul>
    </section>
  ));
}

interface LineProps extends Pick<FindingListProps, "ticked" | "onTick" | "view"> {
  finding: Finding;
  open: boolean;
}

function Line({ finding, open, ticked, onTick, view }: LineProps) {
  const project = useProject();
  const link = useRef<HTMLAnchorElement>(null);
  useEffect(() => {
    if (open) link.current?.scrollIntoView({ block: "nearest" });
  }, [open]);
  const { id, severity, state, measurement } = finding;
  const { test, effect, low, high } = measurement;
  const name = subject(measurement);
  return (
    <li data-open={open || undefined}>
      <Tick label={`Tick ${name}`} ids={[id]} ticked={ticked} onTick={onTick} />
      <Link
        ref={link}
        id={`finding-${id}`}
        to={`/${project}/findings${query(INBOX, { ...view, finding: id })}`}
        replace
        resetScroll={false}
        aria-current={open || undefined}
      >
        <span className="finding-line">
          <Status kind={severity === "critical" ? "bad" : "warn"} word={SEVERITIES[severity]} />
          <span className="finding-name">{name}</span>
          <span className="finding-change">{change(measurement)}</span>
        </span>
        <span className="finding-line finding-more">
          <span className="finding-size">
            {measureOf(test)} {significant(effect, 2)} {interval(low, high)}
            {view.state === "all" && `, ${state}`}
          </span>
          <EffectBar measured={measurement} />
        </span>
      </Link>
    </li>
  );
}

interface TickProps extends Pick<FindingListProps, "ticked" | "onTick"> {
  label: string;
  ids: readonly string[];
}

/** Ticks one or all of a group, to be acknowledged together. */
function Tick({ label, ids, ticked, onTick }: TickProps) {
  const all = ids.every((id) => ticked.has(id));
  const change = () => {
    const next = new Set(ticked);
    for (const id of ids) {
      if (all) next.delete(id);
      else next.add(id);
    }
    onTick(next);
  };
  return (
    <label className="finding-tick">
      <input type="checkbox" checked={all} aria-label={label} onChange={change} />
    </label>
  );
}
