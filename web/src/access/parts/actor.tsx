import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { LogIn, UserCheck, UserX } from "lucide-react";
import { useMemo, useState } from "react";
import type { Schema } from "../../kernel/api/types";
import { useProject } from "../../kernel/project";
import { useActor, useMay } from "../../kernel/session";
import { useVerbs } from "../../kernel/verbs";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { useConfirm } from "../../ui/confirm";
import { Empty } from "../../ui/empty";
import { Facts } from "../../ui/facts";
import { Loaded } from "../../ui/loaded";
import { Page } from "../../ui/page";
import { RefLink } from "../../ui/ref-link";
import { Status } from "../../ui/status";
import { Table, type TableColumn } from "../../ui/table";
import { Time } from "../../ui/time";
import { disable, enable, issueCode } from "../acts";
import { actorsQuery, actsOfQuery, bindingsQuery, rolesOfQuery, rolesQuery } from "../queries";
import { CodeLink } from "./code-link";
import { LinkIdentity } from "./link-identity";
import { Matrix } from "./matrix";
import { Sessions } from "./sessions";
import { Tokens } from "./tokens";
import "../access.css";

type Actor = Schema<"Actor">;

/** What may this person or service, where, with which credentials, and what did they do with it? */
export function ActorPage({ id }: { id: string }) {
  const project = useProject();
  const actors = useQuery(actorsQuery);
  const actor = actors.data?.find((one) => one.id === id);
  const kind = id.startsWith("service:") ? "services" : "people";
  const crumbs = [{ text: "Access", to: `/${project}/access${kind === "people" ? "" : `?tab=${kind}`}` }];
  const name = id.replace(/^\w+:/, "");
  const state = actor && (
    <Status kind={actor.disabled ? "bad" : "ok"} word={actor.disabled ? "disabled" : "active"} badge />
  );
  return (
    <Page
      title={name}
      heading={
        <>
          {name} {state}
        </>
      }
      crumbs={crumbs}
      actions={actor && <Acts actor={actor} />}
    >
      <Loaded
        query={actors}
        isEmpty={() => actor === undefined}
        empty={<Empty title={`${id} is not known`}>Or it acts for the platform itself.</Empty>}
      >
        {() =>
          actor && (
            <div className="stack">
              <Rights actor={actor} />
              <Tokens actor={id} />
              {actor.kind === "person" && <Sessions actor={id} />}
              <Did id={id} />
            </div>
          )
        }
      </Loaded>
      {actors.data && !actor && <Did id={id} />}
    </Page>
  );
}

function Rights({ actor }: { actor: Actor }) {
  const project = useProject();
  const admin = useMay("access:admin");
  const { data: bindings = [] } = useQuery(bindingsQuery);
  const { data: everywhere = [] } = useQuery(rolesOfQuery(actor.id));
  const { data: roles = [] } = useQuery(rolesQuery);
  const [linking, setLinking] = useState(false);
  const elsewhere = everywhere.filter((binding) => binding.project !== project && binding.project !== "*");
  const { identity } = actor;
  return (
    <Section title="Roles in this project">
      <Matrix alone label={`Roles of ${actor.id}`} actors={[actor]} bindings={bindings} roles={roles} />
      <Facts
        items={[
          [
            "Elsewhere",
            elsewhere.length
              ? elsewhere.map((binding) => (
                  <span key={`${binding.project} ${binding.role}`}>
                    {binding.project}: {binding.role}{" "}
                  </span>
                ))
              : "no role in another project that you may see",
          ],
          ["Since", <Time key="since" at={actor.created_at} />],
          ...(actor.kind === "person"
            ? ([
                [
                  "Identity",
                  <span key="identity" className="row">
                    {identity ? (
                      <span>
                        <code>{identity.subject}</code> at {identity.issuer}
                      </span>
                    ) : (
                      "not linked to an identity provider"
                    )}
                    {admin && (
                      <Button small kind="quiet" onClick={() => setLinking(true)}>
                        {identity ? "Change" : "Link"}
                      </Button>
                    )}
                  </span>,
                ],
              ] as const)
            : []),
        ]}
      />
      {linking && <LinkIdentity actor={actor} onClose={() => setLinking(false)} />}
    </Section>
  );
}

function Acts({ actor }: { actor: Actor }) {
  const may = useMay("access:admin");
  const self = useActor() === actor.id;
  const confirm = useConfirm();
  const [code, setCode] = useState<Schema<"IssuedCode">>();
  const name = actor.id.replace(/^\w+:/, "");
  const verbs = useMemo(() => {
    const needs = may || "needs access:admin";
    const wayIn = () =>
      void confirm({
        title: `Create a sign-in link for ${name}?`,
        text: "A one-time link signs them in within ten minutes. The ledger records that you asked for it, and the session cannot approve models.",
        verb: "Create",
        act: async () => setCode(await issueCode(actor.id)),
      });
    const shutOut = () =>
      void confirm({
        title: `Disable ${name}?`,
        text: "All tokens and sessions end at once. Runs and events keep the name.",
        verb: "Disable",
        danger: true,
        act: () => disable(actor.id),
      });
    const letIn = () =>
      void confirm({
        title: `Enable ${name}?`,
        text: "Ended sessions and tokens stay ended.",
        verb: "Enable",
        act: () => enable(actor.id),
      });
    return [
      ...(actor.kind === "person" && !actor.disabled
        ? [
            {
              label: `Sign-in link for ${name}`,
              run: wayIn,
              enabled: needs,
              icon: <LogIn aria-hidden />,
              kind: "plain" as const,
            },
          ]
        : []),
      actor.disabled
        ? {
            label: `Enable ${name}`,
            run: letIn,
            enabled: needs,
            icon: <UserCheck aria-hidden />,
            kind: "plain" as const,
          }
        : {
            label: `Disable ${name}`,
            run: shutOut,
            enabled: self ? "that is you" : needs,
            icon: <UserX aria-hidden />,
            kind: "danger" as const,
          },
    ];
  }, [actor, name, may, self, confirm]);
  useVerbs(verbs);
  if (!may) return null;
  return (
    <>
      {verbs.map(({ label, run, enabled, icon, kind }) => (
        <Button
          key={label}
          kind={kind}
          icon={icon}
          disabled={enabled !== true}
          title={enabled === true ? undefined : String(enabled)}
          onClick={run}
        >
          {label}
        </Button>
      ))}
      {code && <CodeLink code={code} onClose={() => setCode(undefined)} />}
    </>
  );
}

type Event = Schema<"Event">;

const DONE: TableColumn<Event>[] = [
  { head: "When", cell: ({ at }) => <Time at={at} /> },
  {
    head: "Event",
    cell: ({ id, verb }) => <RefLink to={`event:${id}`}>{verb.replace(".", " ").replaceAll("_", " ")}</RefLink>,
  },
  { head: "On", cell: ({ subject }) => <RefLink to={subject} />, grow: true },
];

function Did({ id }: { id: string }) {
  const project = useProject();
  const may = useMay("ledger:read");
  const acts = useQuery({ ...actsOfQuery(id), enabled: may });
  if (!may) return null;
  return (
    <Section title="Recent events" aside={<Link to={`/${project}/ledger?actor=${id}`}>All events</Link>}>
      <Loaded query={acts}>
        {({ items }) => (
          <Table
            label="Recent events"
            columns={DONE}
            rows={items}
            rowKey={({ id: event }) => event}
            empty="Nothing yet."
          />
        )}
      </Loaded>
    </Section>
  );
}
