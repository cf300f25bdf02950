import { useQuery } from "@tanstack/react-query";
import { Bookmark, Check } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { send } from "../../kernel/api/client";
import { useActor, useMay } from "../../kernel/session";
import { useVerbs } from "../../kernel/verbs";
import { Field } from "../../ui/field";
import { FormDialog } from "../../ui/form-dialog";
import { Menu } from "../../ui/menu";
import { toast } from "../../ui/toasts";
import { viewsQuery } from "../queries";
import { atFirst, kept, type Look, lookOf, type SavedView, shows } from "./look";
import { ViewList } from "./view-list";

interface ViewsProps {
  look: Look;
  /** The name of the view that was opened. */
  name: string;
  /** Goes to a view. */
  open: (look: ReturnType<typeof atFirst> & { view: string }, manner?: { push: boolean }) => void;
  /** The table is a view's from now on. */
  named: (view: string) => void;
}

/** The looks that people of the project keep under names: to open one, to keep one, to rename and forget one's own. */
export function Views({ look, name, open, named }: ViewsProps) {
  const { data: views } = useQuery(viewsQuery);
  const may = useMay("run:write");
  const actor = useActor();
  const [asked, setAsked] = useState<"save" | "all">();
  const current = views?.find((view) => view.name === name);
  const changed = current !== undefined && !shows(look, current);
  useOpened(current, look, open);
  const items = useMemo(() => {
    const save = async (view: SavedView) => {
      await send("post", "/run-views", { body: { name: view.name, ...kept(look) } });
      toast({ text: `${view.name} shows this from now on` });
    };
    const all = (views ?? []).map((view) => ({
      text: view.name,
      icon: view === current ? <Check size={14} aria-label="open" /> : undefined,
      onSelect: () => open({ ...atFirst(), ...lookOf(view), view: view.name }, { push: true }),
    }));
    const mine = changed && current.owner === actor;
    return [
      ...all,
      ...(mine && may ? [{ text: `Save changes to ${current.name}`, onSelect: () => void save(current) }] : []),
      { text: "Save this view…", disabled: !may, onSelect: () => setAsked("save") },
      ...(all.length > 0 ? [{ text: "All views…", onSelect: () => setAsked("all") }] : []),
    ];
  }, [views, current, changed, actor, may, look, open]);
  useVerbs(useMemo(() => items.map(({ text, onSelect }) => ({ label: verbOf(text), run: onSelect })), [items]));
  return (
    <>
      <Menu
        kind="quiet"
        icon={<Bookmark aria-hidden />}
        label={current ? `${current.name}${changed ? ", changed" : ""}` : "Views"}
        items={items}
      />
      {asked === "save" && <SaveView look={look} onClose={() => setAsked(undefined)} onSaved={named} />}
      {asked === "all" && views && <ViewList views={views} named={named} onClose={() => setAsked(undefined)} />}
    </>
  );
}

/** In the palette a view's bare name would not say what happens. */
function verbOf(text: string): string {
  return /^(Save|All) /.test(text) ? text.replace("…", "") : `Open the view ${text}`;
}

/** An address that holds no more than a view's name means all of the view. */
function useOpened(view: SavedView | undefined, look: Look, open: ViewsProps["open"]) {
  const opened = useRef("");
  useEffect(() => {
    if (!view || opened.current === view.name) return;
    opened.current = view.name;
    const bare = atFirst();
    const said = (["experiment", "filter", "sort", "level"] as const).some((key) => look[key] !== bare[key]);
    if (!said && look.columns.length === 0) open({ ...bare, ...lookOf(view), view: view.name });
  }, [view, look, open]);
}

interface SaveViewProps {
  look: Look;
  onSaved: (view: string) => void;
  onClose: () => void;
}

function SaveView({ look, onSaved, onClose }: SaveViewProps) {
  return (
    <FormDialog
      title="Save this view"
      verb="Save"
      lead="The experiment, filter, order and columns of the table, for all of the project to open. Under a name of yours it takes that view's place."
      act={(given) => send("post", "/run-views", { body: { name: given("name"), ...kept(look) } })}
      onDone={({ name }) => {
        onSaved(name);
        onClose();
      }}
      onClose={onClose}
    >
      <Field label="Name" name="name" required>
        <input required autoComplete="off" placeholder="Best of the week" />
      </Field>
    </FormDialog>
  );
}
