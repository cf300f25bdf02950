import type { ReactNode } from "react";
import { useUrlState } from "../../kernel/url";
import { Section } from "../../ui/card";
import { Code } from "../../ui/code";
import { Facts } from "../../ui/facts";
import { Json } from "../../ui/json";
import { Num } from "../../ui/num";
import { Tabs } from "../../ui/tabs";
import { TRACE } from "../fields";
import { Money } from "../pages/traces";
import { type Span, said } from "../words";

const INSIDE = /^mlflow\.(spanInputs|spanOutputs|traceRequestId)$/;
const SHORT = 200;

/** What went into a step and came out, what it says of itself, and what happened within. */
export function SpanView({ span }: { span: Span }) {
  const [{ tab }, set] = useUrlState(TRACE);
  const attributes = Object.entries(span.attributes ?? {}).filter(([key]) => !INSIDE.test(key));
  const events = span.events ?? [];
  const items = [
    { value: "data", text: "Inputs and outputs" },
    { value: "attributes", text: "Attributes", note: attributes.length || undefined },
    { value: "events", text: "Events", note: events.length || undefined },
  ] as const;
  return (
    <Section title={span.name} note={span.kind && span.kind !== "UNKNOWN" ? span.kind.toLowerCase() : undefined}>
      <Facts items={used(span)} />
      <Tabs label="The step" items={items} value={tab} onChange={(next) => set({ tab: next })}>
        {tab === "data" && (
          <div className="stack">
            <Payload label="Inputs" value={span.inputs} />
            <Payload label="Outputs" value={span.outputs} />
          </div>
        )}
        {tab === "attributes" && <Pairs pairs={attributes} none="It has no attributes." />}
        {tab === "events" && (
          <ol className="trace-events">
            {events.length === 0 && <li className="muted">It has no events.</li>}
            {events.map((event, i) => (
              <li key={i}>
                <b>{event.name}</b>
                <Pairs pairs={Object.entries(event.attributes ?? {})} none="" />
              </li>
            ))}
          </ol>
        )}
      </Tabs>
    </Section>
  );
}

function used({ usage, model, provider, message }: Span) {
  const facts: (readonly [string, ReactNode])[] = [];
  if (message)
    facts.push([
      "Message",
      <span key="m" className="trace-bad">
        {message}
      </span>,
    ]);
  if (model) facts.push(["Model", provider ? `${model} (${provider})` : model]);
  if (usage.total_tokens !== null)
    facts.push([
      "Tokens",
      <span key="t">
        <Num value={usage.input_tokens} /> in, <Num value={usage.output_tokens} /> out
      </span>,
    ]);
  if (usage.cost !== null) facts.push(["Cost", <Money key="c" value={usage.cost} />]);
  return facts;
}

function Pairs({ pairs, none }: { pairs: readonly (readonly [string, unknown])[]; none: string }) {
  if (pairs.length === 0) return <p className="muted">{none}</p>;
  return <Facts items={pairs.map(([key, value]) => [key, <Value key={key} value={value} />] as const)} />;
}

function Value({ value }: { value: unknown }) {
  if (typeof value === "object" && value !== null) return <Json value={value} open={1} />;
  const text = said(value);
  if (text.length > SHORT || text.includes("\n")) return <Code text={text} label="value" />;
  return <span className="mono">{text}</span>;
}

interface Message {
  role: string;
  content: unknown;
}

/** Messages of a conversation as one reads them, texts as they are, all else as JSON that folds. */
function Payload({ label, value }: { label: string; value: unknown }) {
  const messages = messagesOf(value);
  return (
    <div className="trace-payload">
      <h3>{label}</h3>
      {value === null || value === undefined ? (
        <p className="muted">None recorded.</p>
      ) : messages ? (
        <ol className="trace-messages">
          {messages.map(({ role, content }, i) => (
            <li key={i}>
              <span className="trace-role">{role}</span>
              {typeof content === "string" ? <p>{content}</p> : <Json value={content} open={1} />}
            </li>
          ))}
        </ol>
      ) : typeof value === "string" ? (
        <p className="trace-text">{value}</p>
      ) : (
        <Json value={value} open={3} />
      )}
    </div>
  );
}

function messagesOf(value: unknown): Message[] | undefined {
  const list = Array.isArray(value) ? value : (value as { messages?: unknown } | null)?.messages;
  if (!Array.isArray(list) || list.length === 0) return undefined;
  const all = list.every((one) => typeof one === "object" && one !== null && typeof (one as Message).role === "string");
  if (!all) return undefined;
  return list.map((one: { role: string; content?: unknown; parts?: unknown }) => ({
    role: one.role,
    content: one.content ?? one.parts ?? one,
  }));
}
