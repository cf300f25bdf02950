import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useProject } from "../../kernel/project";
import { format, href, parse } from "../../kernel/ref";
import { useMay } from "../../kernel/session";
import { Code } from "../../ui/code";
import { RefLink } from "../../ui/ref-link";
import { Status, StatusGlyph } from "../../ui/status";
import { TableFrame } from "../../ui/table";
import { Time } from "../../ui/time";
import { PARTS, type PartName, type Told } from "./cells";
import type { Loop } from "./queries";

/** Every model and how its loop turns: a line about it, its parts in the order of the loop, and what does not go on by itself. */
export function Loops({ loops }: { loops: readonly Loop[] }) {
  return (
    <TableFrame label="The loop of each model">
      <table className="loops" aria-label="The loop of each model">
        <thead>
          <tr>
            {PARTS.map(({ name, head }) => (
              <th key={name} scope="col">
                <span>{head}</span>
              </th>
            ))}
          </tr>
        </thead>
        {loops.map((loop) => (
          <LoopRows key={loop.model} loop={loop} />
        ))}
      </table>
    </TableFrame>
  );
}

const WORRIES = [
  { kind: "ok", word: "Turns by itself" },
  { kind: "waiting", word: "Waits" },
  { kind: "bad", word: "Needs attention" },
] as const;

function LoopRows({ loop }: { loop: Loop }) {
  const [asked, setAsked] = useState<PartName>();
  const { kind, word } = WORRIES[loop.worry] ?? WORRIES[0];
  const command = asked && loop.absent?.[asked];
  const waits = loop.waits ?? [];
  return (
    <tbody data-kind={kind}>
      <tr className="loop-head">
        <th scope="rowgroup" colSpan={PARTS.length}>
          <span className="loop-title">
            <RefLink to={loop.model} bare />
            <Status kind={kind} word={word} badge />
            <span className="loop-about">{loop.description}</span>
            {loop.owner && <RefLink to={loop.owner} bare />}
          </span>
        </th>
      </tr>
      <tr className="loop-parts">
        {PARTS.map(({ name, head, of }) => {
          const told = of(loop);
          return (
            <td key={name}>
              {told ? (
                <Cell head={head} told={told} />
              ) : (
                <Absent head={head} open={asked === name} onOpen={() => setAsked(asked === name ? undefined : name)} />
              )}
            </td>
          );
        })}
      </tr>
      {(command || waits.length > 0) && (
        <tr className="loop-waits">
          <td colSpan={PARTS.length}>
            {command && <How text={command} />}
            <ul>
              {waits.map((wait) => (
                <Wait key={`${wait.ref} ${wait.verb}`} wait={wait} />
              ))}
            </ul>
          </td>
        </tr>
      )}
    </tbody>
  );
}

function Cell({ head, told: { to, kind, value, note, title, mark } }: { head: string; told: Told }) {
  const project = useProject();
  return (
    <Link className="loop-cell" data-kind={kind} to={to ? href(project, to) : `/${project}/insights`} title={title}>
      <span className="loop-label">{head}</span>
      <span className="loop-value">
        <StatusGlyph kind={kind} />
        <span>{value}</span>
      </span>
      <span className="loop-note">{note}</span>
      {mark && <span className="loop-mark">{mark}</span>}
    </Link>
  );
}

function Absent({ head, open, onOpen }: { head: string; open: boolean; onOpen: () => void }) {
  return (
    <button type="button" className="loop-cell" data-kind="idle" aria-expanded={open} onClick={onOpen}>
      <span className="loop-label">{head}</span>
      <span className="loop-value">
        <StatusGlyph kind="idle" />
        <span>Not yet</span>
      </span>
      <span className="loop-note loop-how">How?</span>
    </button>
  );
}

function How({ text }: { text: string }) {
  return text.startsWith("ostinato") ? <Code command text={text} /> : <p className="muted">This part {text}.</p>;
}

/** What is done about what waits, in the words of who does it. */
const DEEDS: Readonly<Record<string, string>> = {
  "models.approve": "Review it",
  "models.promote": "Promote it",
  "endpoints.rollout": "Roll it out",
  "endpoints.resume": "Resume it",
  "monitors.acknowledge": "Look at them",
  "datasets.deliver": "See what failed",
};

function Wait({ wait: { ref, verb, permission, owner, since, why } }: { wait: NonNullable<Loop["waits"]>[number] }) {
  const mine = useMay(permission);
  const thing = parse(ref);
  return (
    <li>
      <StatusGlyph kind="waiting" />
      <span className="loop-why">
        <RefLink to={ref} bare={thing?.at !== undefined} />: {why}
      </span>
      <span className="muted">
        since <Time at={since} />
      </span>
      {mine ? (
        <RefLink to={thing ? format(thing) : ref}>{DEEDS[verb] ?? "Look"}</RefLink>
      ) : (
        <span className="muted">waits for {owner ? <RefLink to={owner} bare /> : <>who holds {permission}</>}</span>
      )}
    </li>
  );
}
