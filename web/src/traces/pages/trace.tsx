import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { send } from "../../kernel/api/client";
import { useProject } from "../../kernel/project";
import { useMay } from "../../kernel/session";
import { duration, exact } from "../../kernel/time";
import { useParam, useUrlState } from "../../kernel/url";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { useConfirm } from "../../ui/confirm";
import { Facts, Stats } from "../../ui/facts";
import { Id } from "../../ui/id";
import { Loaded } from "../../ui/loaded";
import { Num } from "../../ui/num";
import { Page } from "../../ui/page";
import { RefLink } from "../../ui/ref-link";
import { Skeleton } from "../../ui/skeleton";
import { Status } from "../../ui/status";
import { Time } from "../../ui/time";
import { toast } from "../../ui/toasts";
import { TRACE } from "../fields";
import { Assessments } from "../parts/assessments";
import { AddExample } from "../parts/examples";
import { SpanView } from "../parts/span-view";
import { Waterfall } from "../parts/waterfall";
import { spansQuery, traceQuery } from "../queries";
import { tree } from "../tree";
import { type Span, stateOf, type Trace } from "../words";
import { Money } from "./traces";
import "../traces.css";

/** What happened within one request, where did the time go, and what did it cost? */
export function TracePage() {
  const id = useParam("trace");
  const project = useProject();
  const trace = useQuery(traceQuery(id));
  const found = trace.data;
  const name = found?.name || "Trace";
  return (
    <Page
      title={name}
      heading={found && <Headed name={name} trace={found} />}
      crumbs={[{ text: "Traces", to: `/${project}/traces` }]}
      lead={found && <Lead trace={found} />}
      actions={found && <Acts trace={found} />}
    >
      <Loaded query={trace} skeleton={<Skeleton height={480} />}>
        {(found) => (
          <>
            <Told trace={found} />
            <Within trace={found} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Acts({ trace }: { trace: Trace }) {
  const { data: spans = [] } = useQuery(spansQuery(trace.id));
  const may = useMay("trace:write");
  return (
    <>
      {may && <AddExample trace={trace} root={tree(spans)[0]?.span} />}
      <Delete trace={trace} />
    </>
  );
}

function Headed({ name, trace }: { name: string; trace: Trace }) {
  return (
    <>
      {name} <Status {...stateOf(trace.state)} badge />
    </>
  );
}

function Lead({ trace }: { trace: Trace }) {
  return (
    <>
      <Time at={trace.started_at} /> in {trace.experiment}
      {trace.run && (
        <>
          {", of "}
          <RefLink to={`run:${trace.run}`} />
        </>
      )}
      {", "}
      <Id value={trace.id} what="id of the trace" />
    </>
  );
}

function Told({ trace: { duration_ms, usage, spans } }: { trace: Trace }) {
  const { input_tokens, output_tokens, total_tokens, cost } = usage;
  return (
    <Stats
      items={[
        { label: "Latency", value: duration_ms === null ? null : duration(duration_ms) },
        {
          label: "Tokens",
          value: total_tokens === null ? null : <Num value={total_tokens} />,
          ...(input_tokens !== null && { note: `${input_tokens} in, ${output_tokens ?? 0} out` }),
        },
        {
          label: "Cost",
          value: cost === null ? null : <Money value={cost} />,
          ...(cost === null && { note: "no price is set" }),
        },
        { label: "Steps", value: spans },
      ]}
    />
  );
}

function Within({ trace }: { trace: Trace }) {
  const [{ span: asked }, set] = useUrlState(TRACE);
  const found = useQuery(spansQuery(trace.id));
  return (
    <Loaded query={found} skeleton={<Skeleton height={320} />}>
      {(spans) => {
        const nodes = tree(spans);
        const chosen = spans.find(({ id }) => id === asked) ?? nodes[0]?.span;
        return (
          <>
            <div className="trace-within">
              <Section title="Steps" note={spans.length || undefined}>
                {nodes.length > 0 ? (
                  <Waterfall nodes={nodes} chosen={chosen?.id} onChoose={(id) => set({ span: id })} />
                ) : (
                  <p className="muted">None of its steps has arrived.</p>
                )}
              </Section>
              {chosen && <SpanView span={chosen} />}
            </div>
            <Assessments trace={trace} span={asked && chosen ? chosen : undefined} />
            <About trace={trace} root={nodes[0]?.span} />
          </>
        );
      }}
    </Loaded>
  );
}

function About({ trace, root }: { trace: Trace; root: Span | undefined }) {
  const { session, user, candidate, client_request_id } = trace;
  const said = Object.entries({ ...trace.metadata, ...trace.tags }).sort(([a], [b]) => a.localeCompare(b));
  const own: (readonly [string, string | null | undefined])[] = [
    ["Began", exact(trace.started_at)],
    ["Session", session],
    ["User", user],
    ["Request", client_request_id],
    ["Model", root?.model],
  ];
  return (
    <Section title="Tags and metadata" note={said.length || undefined}>
      <Facts
        items={[
          ...own.filter(([, value]) => value),
          ...(candidate ? ([["Candidate", <RefLink key="c" to={`candidate:${candidate}`} />]] as const) : []),
          ...said,
        ]}
      />
    </Section>
  );
}

function Delete({ trace }: { trace: Trace }) {
  const may = useMay("trace:purge");
  const confirm = useConfirm();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const project = useProject();
  if (!may) return null;
  const ask = async () => {
    const answer = await confirm({
      title: `Delete ${trace.name || "this trace"}?`,
      text: "Its steps and what was said of it go with it. Nothing brings them back; the ledger keeps that it was deleted.",
      verb: "Delete",
      danger: true,
      act: () => send("post", "/deleted-traces", { body: { traces: [trace.id] } }),
    });
    if (!answer) return;
    toast({ text: `${trace.name || "The trace"} is deleted` });
    await navigate({ to: `/${project}/traces` });
    await queries.invalidateQueries({ queryKey: ["traces"] });
  };
  return <Button onClick={() => void ask()}>Delete</Button>;
}
