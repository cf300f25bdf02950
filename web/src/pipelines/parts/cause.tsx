import { useMutation } from "@tanstack/react-query";
import { Ellipsis, Pause, Play } from "lucide-react";
import { type ReactNode, useMemo } from "react";
import { useVerbs } from "../../kernel/verbs";
import { Button } from "../../ui/button";
import { useConfirm } from "../../ui/confirm";
import { ErrorBox } from "../../ui/error-box";
import { Menu, type MenuItem } from "../../ui/menu";
import { Status } from "../../ui/status";
import { toast } from "../../ui/toasts";
import { Parameters } from "./parameters";

interface CauseProps {
  kind: "schedule" | "trigger";
  name: string;
  parameters: Readonly<Record<string, unknown>>;
  paused: boolean;
  /** Why it starts nothing although nobody paused it. */
  stopped?: string;
  may: boolean;
  pause: () => Promise<unknown>;
  resume: () => Promise<unknown>;
  remove: () => Promise<unknown>;
  /** What becomes of what it would have started. */
  lost: string;
  items: readonly MenuItem[];
  children: ReactNode;
}

/** What starts a pipeline by itself: when, with what, and whether it does. */
export function Cause(props: CauseProps) {
  const { kind, name, parameters, paused, stopped = "", may, pause, resume, remove, lost, items, children } = props;
  const idle = paused || stopped !== "";
  const confirm = useConfirm();
  const turn = useMutation({
    mutationFn: () => (idle ? resume() : pause()),
    onSuccess: () =>
      toast(
        idle
          ? { kind: "ok", text: `${name} goes on` }
          : { kind: "ok", text: `${name} starts nothing until it is resumed`, undo: resume },
      ),
  });
  const { mutate } = turn;
  const word = idle ? "Resume" : "Pause";
  const enabled = may || "needs pipeline:write";
  useVerbs(useMemo(() => [{ label: `${word} ${name}`, run: () => mutate(), enabled }], [word, name, mutate, enabled]));
  const ask = () =>
    void confirm({
      title: `Delete the ${kind} ${name}?`,
      text: `What it started stays. ${lost}`,
      verb: "Delete",
      danger: true,
      act: remove,
    });
  return (
    <article className="cause" aria-label={`${kind === "schedule" ? "Schedule" : "Trigger"} ${name}`}>
      <header className="cause-head">
        <h3>{name}</h3>
        {paused && <Status kind="idle" word="Paused" />}
        {stopped && <Status kind="bad" word="Stopped" />}
        {may && (
          <>
            <Button
              small
              icon={idle ? <Play aria-hidden /> : <Pause aria-hidden />}
              busy={turn.isPending}
              onClick={() => mutate()}
            >
              {word}
            </Button>
            <Menu
              label={`More about ${name}`}
              iconOnly
              small
              kind="quiet"
              icon={<Ellipsis aria-hidden />}
              items={[...items, { text: "Delete…", onSelect: ask, danger: true }]}
            />
          </>
        )}
      </header>
      {children}
      {Object.keys(parameters).length > 0 && <Parameters of={parameters} />}
      {stopped && <p className="cause-stopped">{stopped}</p>}
      {turn.error && <ErrorBox error={turn.error} />}
    </article>
  );
}
