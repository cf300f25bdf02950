import { useQuery } from "@tanstack/react-query";
import { useProject } from "../../kernel/project";
import { useActor, useMay } from "../../kernel/session";
import { useUrlState } from "../../kernel/url";
import { Page } from "../../ui/page";
import { RefLink } from "../../ui/ref-link";
import { Tabs } from "../../ui/tabs";
import { ACCESS } from "../fields";
import { ActorPage } from "../parts/actor";
import { Installation } from "../parts/installation";
import { Me } from "../parts/me";
import { Projects } from "../parts/projects";
import { Roles } from "../parts/roles";
import { Tokens } from "../parts/tokens";
import { Trusts } from "../parts/trusts";
import { Who } from "../parts/who";
import { actorsQuery, bindingsQuery } from "../queries";
import "../access.css";

const TABS = [
  { value: "people", text: "People", reads: true },
  { value: "services", text: "Service accounts", reads: true },
  { value: "tokens", text: "Tokens" },
  { value: "roles", text: "Roles" },
  { value: "projects", text: "Projects" },
  { value: "trusts", text: "CI trusts", reads: true },
  { value: "me", text: "You" },
  { value: "installation", text: "Installation", examines: true },
] as const;

/** Who may do what here? */
export function AccessPage() {
  const [{ tab: wanted, actor }, set] = useUrlState(ACCESS);
  const reads = useMay("access:read");
  const examines = useMay("store:examine");
  if (actor) return <ActorPage key={actor} id={actor} />;
  const items = TABS.filter((item) => (reads || !("reads" in item)) && (examines || !("examines" in item)));
  const tab = items.some(({ value }) => value === wanted) ? wanted : "me";
  return (
    <Page title="Access" lead={<Gist />}>
      <Tabs label="Access" items={items} value={tab} onChange={(next) => set({ tab: next }, { push: true })}>
        {tab === "people" && <Who kind="person" />}
        {tab === "services" && <Who kind="service" />}
        {tab === "tokens" && <Tokens />}
        {tab === "roles" && <Roles />}
        {tab === "projects" && <Projects />}
        {tab === "trusts" && <Trusts />}
        {tab === "me" && <Me />}
        {tab === "installation" && <Installation />}
      </Tabs>
    </Page>
  );
}

/** Who approves models and who administers: what an auditor asks first. */
function Gist() {
  const project = useProject();
  const self = useActor();
  const reads = useMay("access:read");
  const { data: actors } = useQuery({ ...actorsQuery, enabled: reads });
  const { data: bindings } = useQuery({ ...bindingsQuery, enabled: reads });
  if (!actors || !bindings) return `You are ${self}.`;
  const having = (role: string) => [
    ...new Set(bindings.filter((binding) => binding.role === role).map(({ actor }) => actor)),
  ];
  const [admins, reviewers] = [having("admin"), having("reviewer")];
  return (
    <>
      In {project}, <Names ids={reviewers} /> {reviewers.length > 1 ? "review" : "reviews"} models;{" "}
      <Names ids={admins} /> {admins.length > 1 ? "administer" : "administers"} everything.
    </>
  );
}

function Names({ ids }: { ids: readonly string[] }) {
  if (ids.length === 0) return "nobody";
  return ids.map((id, i) => (
    <span key={id}>
      {i > 0 && (i === ids.length - 1 ? " and " : ", ")}
      <RefLink to={id} bare />
    </span>
  ));
}
