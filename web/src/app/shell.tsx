import { useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { Menu as MenuIcon, X } from "lucide-react";
import { type ComponentType, lazy, Suspense, useEffect, useRef, useState } from "react";
import { follow, useLiveState } from "../kernel/live";
import { useProject } from "../kernel/project";
import { ConfirmHost } from "../ui/confirm";
import { Toasts } from "../ui/toasts";
import { PLACES } from "./navigation";
import mark from "./ostinato.svg";
import { Strips } from "./strips";
import { TopBar } from "./top-bar";
import { usePalette } from "./use-palette";
import "./shell.css";

const Keys = lazy(async () => ({ default: (await import("./help/keys")).Keys }));

/** What stays around every page: the ways through the lifecycle, search, who is here, and whether the server is. */
export function Shell() {
  const project = useProject();
  const over = usePalette();
  const drawer = useDrawer();
  useLive(project);
  useFocusOnArrival();
  const Palette = usePaletteItself();
  return (
    <div className="shell" data-live={useLiveState()}>
      <a className="shell-skip" href="#main">
        Skip to the page
      </a>
      <aside className="shell-side" id="shell-side" data-open={drawer.shown || undefined}>
        <Ways project={project} />
      </aside>
      {drawer.shown && <div className="shell-scrim" onClick={drawer.close} aria-hidden />}
      <div className="shell-body">
        <TopBar onSearch={over.open}>
          <button
            type="button"
            className="shell-drawer"
            aria-label={drawer.shown ? "Close the navigation" : "Open the navigation"}
            aria-expanded={drawer.shown}
            aria-controls="shell-side"
            onClick={drawer.toggle}
          >
            {drawer.shown ? <X size={18} aria-hidden /> : <MenuIcon size={18} aria-hidden />}
          </button>
        </TopBar>
        <Strips />
        <main id="main" tabIndex={-1}>
          <Outlet />
        </main>
      </div>
      {over.shown === "palette" && Palette && <Palette onClose={over.close} />}
      <Suspense>{over.shown === "keys" && <Keys onClose={over.close} />}</Suspense>
      <ConfirmHost />
      <Toasts />
    </div>
  );
}

function Ways({ project }: { project: string }) {
  const below = useRouterState({ select: ({ location }) => location.pathname.slice(project.length + 2) });
  return (
    <div className="shell-ways">
      <Link to={`/${project}`} className="shell-brand">
        <img src={mark} alt="" />
        Ostinato
      </Link>
      <nav aria-label="Lifecycle">
        {PLACES.map(({ label, path, icon: Icon, holds }) => (
          <Link
            key={label}
            to={path ? `/${project}/${path}` : `/${project}`}
            activeOptions={{ exact: path === "", includeSearch: false }}
            className="shell-place"
            data-holds={holds?.test(below) || undefined}
          >
            <Icon size={16} strokeWidth={1.75} aria-hidden />
            {label}
          </Link>
        ))}
      </nav>
    </div>
  );
}

/** The navigation on a small screen: it closes by Escape and by arriving somewhere. */
function useDrawer() {
  const [shown, setShown] = useState(false);
  const place = useRouterState({ select: ({ location }) => location.href });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the place is what changes, not what is read
  useEffect(() => setShown(false), [place]);
  useEffect(() => {
    if (!shown) return;
    const listen = (event: KeyboardEvent) => event.key === "Escape" && setShown(false);
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, [shown]);
  return { shown, close: () => setShown(false), toggle: () => setShown(!shown) };
}

/** It comes after the first paint and stands ready: what waited for it when it is called would lose the letters typed meanwhile. */
function usePaletteItself() {
  const [Palette, set] = useState<ComponentType<{ onClose: () => void }>>();
  useEffect(() => void import("./palette/palette").then((found) => set(() => found.Palette)), []);
  return Palette;
}

function useLive(project: string): void {
  const queries = useQueryClient();
  useEffect(() => {
    const ending = new AbortController();
    follow(project, queries, ending.signal);
    return () => ending.abort();
  }, [project, queries]);
}

/** A new page begins where its heading is, for those who do not see that it changed. */
function useFocusOnArrival(): void {
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const before = useRef(path);
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    document.getElementById("main")?.focus({ preventScroll: true });
  }, [path]);
}
