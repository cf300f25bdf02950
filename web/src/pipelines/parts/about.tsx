import type { Schema } from "../../kernel/api/types";
import { bytes } from "../../kernel/number";
import { duration, exact } from "../../kernel/time";
import { Section } from "../../ui/card";
import { Code } from "../../ui/code";
import { Facts } from "../../ui/facts";
import { Id } from "../../ui/id";
import { Json } from "../../ui/json";
import { Num } from "../../ui/num";
import { RefLink } from "../../ui/ref-link";
import { Tag } from "../../ui/status";
import { Who } from "./who";

/** What is known of an execution as a whole. */
export function About({ execution }: { execution: Schema<"Execution"> }) {
  const {
    id,
    attempt,
    attempts,
    cpu_s,
    peak_rss_mb,
    cost,
    key,
    queue,
    priority,
    tags = [],
    nominal,
    parameters,
  } = execution;
  return (
    <div className="stack">
      <Section title="About">
        <Facts
          items={[
            ["Started by", <Who key="w" of={execution} />],
            ...(nominal ? ([["For the time", exact(nominal)]] as const) : []),
            ["Run", <RefLink key="r" to={`run:${id}`} bare />],
            ["CPU", duration(cpu_s * 1000)],
            ["Memory", peak_rss_mb ? `${bytes(peak_rss_mb * 2 ** 20)} at most` : "–"],
            ...(cost === null ? [] : ([["Cost", <Num key="c" value={cost} />]] as const)),
            ["Attempt", attempts > 1 ? `${attempt} of at most ${attempts}` : "in the program that asked"],
            ["Queue", priority ? `${queue}, priority ${priority}` : queue],
            ...(key ? ([["Key", <Id key="k" value={key} what="key" />]] as const) : []),
            ...(tags.length ? ([["Tags", tags.map((tag) => <Tag key={tag} text={tag} />)]] as const) : []),
          ]}
        />
      </Section>
      <Section title="Parameters">
        {Object.keys(parameters).length > 0 ? <Json value={parameters} /> : <p className="muted">None.</p>}
      </Section>
      {execution.traceback && (
        <Section title="Traceback">
          <Code label="how it failed" text={execution.traceback.trimEnd()} />
        </Section>
      )}
    </div>
  );
}
