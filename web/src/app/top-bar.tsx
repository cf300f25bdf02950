import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Inbox, KeyRound, LogOut, Search, UsersRound } from "lucide-react";
import type { ReactNode } from "react";
import { send } from "../kernel/api/client";
import { useProject } from "../kernel/project";
import { useActor } from "../kernel/session";
import { setTheme, type Theme, useTheme } from "../kernel/theme";
import { Menu } from "../ui/menu";
import { inboxQuery, projectsQuery } from "./queries";
import "./top-bar.css";

/** The project, search, what waits for the person, and the person. */
export function TopBar({ onSearch, children }: { onSearch: () => void; children: ReactNode }) {
  return (
    <header className="top-bar">
      {children}
      <ProjectSwitch />
      <button type="button" className="top-bar-search" aria-keyshortcuts="/ Control+K Meta+K" onClick={onSearch}>
        <Search size={14} aria-hidden />
        <span>Search or act</span>
        <kbd aria-hidden>/</kbd>
      </button>
      <Waiting />
      <PersonMenu />
    </header>
  );
}

function ProjectSwitch() {
  const project = useProject();
  const navigate = useNavigate();
  const { data: projects = [] } = useQuery(projectsQuery);
  if (projects.length < 2) return <span className="top-bar-project">{project}</span>;
  return (
    <select
      className="top-bar-project"
      aria-label="Project"
      value={project}
      onChange={(event) => void navigate({ to: `/${event.target.value}` })}
    >
      {projects.map(({ name }) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
}

/** How many things wait for the person at the screen. */
function Waiting() {
  const project = useProject();
  const { data } = useQuery(inboxQuery);
  const count = Object.values(data?.counts ?? {}).reduce((sum, some) => sum + some, 0);
  return (
    <Link to={`/${project}`} hash="waiting" className="top-bar-inbox" title="What waits for me">
      <Inbox size={16} strokeWidth={1.75} aria-hidden />
      <span className="sr-only">Waiting for me: </span>
      <span className="top-bar-count" data-some={count > 0 || undefined}>
        {count > 99 ? "99+" : count}
      </span>
    </Link>
  );
}

const THEMES: readonly (readonly [Theme, string])[] = [
  ["system", "Theme of the system"],
  ["light", "Light"],
  ["dark", "Dark"],
];

function PersonMenu() {
  const actor = useActor();
  const project = useProject();
  const theme = useTheme();
  const navigate = useNavigate();
  const signOut = async () => {
    await send("post", "/sign-out");
    location.assign("/sign-in");
  };
  const icon = { size: 14, "aria-hidden": true } as const;
  return (
    <Menu
      kind="quiet"
      label={actor.replace(/^\w+:/, "") || "…"}
      items={[
        { text: "Access", icon: <UsersRound {...icon} />, onSelect: () => void navigate({ to: `/${project}/access` }) },
        {
          text: "Password",
          icon: <KeyRound {...icon} />,
          onSelect: () => void navigate({ to: `/${project}/password` }),
        },
        ...THEMES.map(([value, text]) => ({ text, checked: theme === value, onSelect: () => setTheme(value) })),
        { text: "Sign out", icon: <LogOut {...icon} />, onSelect: () => void signOut() },
      ]}
    />
  );
}
