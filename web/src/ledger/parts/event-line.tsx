import { ChevronRight } from "lucide-react";
import type { MouseEvent } from "react";
import { date, exact } from "../../kernel/time";
import { Id } from "../../ui/id";
import { Json } from "../../ui/json";
import { RefLink } from "../../ui/ref-link";
import { Status } from "../../ui/status";
import { gist, verbKind, verbWords } from "../gist";
import type { Event } from "../queries";
import { Prove } from "./prove";

interface EventLineProps {
  event: Event;
  /** Whether it is the first of its day in the list. */
  first: boolean;
  open: boolean;
  /** Whether the newest head covers it. */
  sealed: boolean;
  onToggle: () => void;
}

export function EventLine({ event, first, open, sealed, onToggle }: EventLineProps) {
  const { verb, actor, subject, at } = event;
  const words = verbWords(verb);
  const toggle = (click: MouseEvent<HTMLElement>) => {
    if (!(click.target instanceof Element) || String(getSelection()) !== "") return;
    if (click.target.closest(".ledger-line") && !click.target.closest("a, button")) onToggle();
  };
  return (
    <li className="ledger-event" data-open={open || undefined} onClick={toggle}>
      <div className="ledger-line">
        <button
          type="button"
          className="ledger-toggle"
          aria-expanded={open}
          aria-label={`${words} ${subject}, ${exact(at)}`}
          onClick={onToggle}
        >
          <ChevronRight size={14} aria-hidden />
        </button>
        <time className="ledger-time" dateTime={at} title={exact(at)}>
          <span data-first={first || undefined}>{date(at)}</span> {exact(at).slice(11, 16)}
        </time>
        <span className="ledger-actor">
          <RefLink to={actor} bare={actor.startsWith("person:")} />
        </span>
        <span className="ledger-verb" data-kind={verbKind(verb)}>
          {words}
        </span>
        <span className="ledger-subject">
          <RefLink to={subject} />
        </span>
        <span className="ledger-gist">{gist(event)}</span>
      </div>
      {open && <Opened event={event} sealed={sealed} />}
    </li>
  );
}

function Opened({ event, sealed }: { event: Event; sealed: boolean }) {
  const { inputs = [], outputs = [], data = {}, erased = [], seq = 0 } = event;
  return (
    <div className="ledger-opened">
      <dl className="ledger-facts">
        <div>
          <dt>Inputs</dt>
          <dd>
            <Refs refs={inputs} />
          </dd>
        </div>
        <div>
          <dt>Outputs</dt>
          <dd>
            <Refs refs={outputs} />
          </dd>
        </div>
        <div>
          <dt>Sequence</dt>
          <dd>
            {seq} <Status kind={sealed ? "ok" : "waiting"} word={sealed ? "sealed" : "not sealed yet"} />
          </dd>
        </div>
        <div>
          <dt>Event</dt>
          <dd>
            <Id value={event.id} what="event id" />
          </dd>
        </div>
        {erased.length > 0 && (
          <div>
            <dt>Erased</dt>
            <dd>{erased.join(", ")}</dd>
          </div>
        )}
      </dl>
      {Object.keys(data).length > 0 && <Json value={data} open={2} />}
      <Prove event={event.id} sealed={sealed} />
    </div>
  );
}

const MANY = 12;

function Refs({ refs }: { refs: readonly string[] }) {
  if (refs.length === 0) return <span className="muted">nothing</span>;
  return (
    <span className="ledger-refs">
      {refs.slice(0, MANY).map((ref) => (
        <RefLink key={ref} to={ref} />
      ))}
      {refs.length > MANY && <span className="muted">and {refs.length - MANY} more</span>}
    </span>
  );
}
