import { BellOff, Gauge, Replace } from "lucide-react";
import { type ReactNode, useMemo, useState } from "react";
import { useMay } from "../../kernel/session";
import { useVerbs } from "../../kernel/verbs";
import { Button } from "../../ui/button";
import type { MonitorState } from "../queries";
import { RebaseDialog } from "./rebase-dialog";
import { SilenceDialog } from "./silence-dialog";
import { WindowDialog } from "./window-dialog";

export const MAY_NOT = "needs the permission monitor:write";

/** What can be done with a monitor: as buttons, in the palette, and the dialog that is open. */
export function useMonitorVerbs(
  state: MonitorState | undefined,
  feature = "",
): { actions: ReactNode; dialog: ReactNode } {
  const may = useMay("monitor:write");
  const [asked, setAsked] = useState<Asked>();
  const enabled = may || MAY_NOT;
  useVerbs(useMemo(() => VERBS.map(({ ask, label }) => ({ label, run: () => setAsked(ask), enabled })), [enabled]));
  const actions = VERBS.map(({ ask, label, hint, icon }) => (
    <Button
      key={ask}
      kind={ask === "measure" ? "primary" : "plain"}
      icon={icon}
      disabled={!may || !state}
      title={may ? hint : MAY_NOT}
      onClick={() => setAsked(ask)}
    >
      {label}
    </Button>
  ));
  const close = () => setAsked(undefined);
  const dialog = state && asked && <Asking asked={asked} state={state} feature={feature} onClose={close} />;
  return { actions, dialog };
}

type Asked = "measure" | "silence" | "rebase";

const VERBS = [
  {
    ask: "rebase",
    label: "Change reference…",
    hint: "Compare with another reference from now on",
    icon: <Replace aria-hidden />,
  },
  {
    ask: "silence",
    label: "Silence…",
    hint: "Stop reactions to findings for a while",
    icon: <BellOff aria-hidden />,
  },
  {
    ask: "measure",
    label: "Measure a window…",
    hint: "Compare the predictions of a time span with the reference, and react to findings",
    icon: <Gauge aria-hidden />,
  },
] as const satisfies readonly { ask: Asked; label: string; hint: string; icon: ReactNode }[];

interface AskingProps {
  asked: Asked;
  state: MonitorState;
  feature: string;
  onClose: () => void;
}

function Asking({ asked, state, feature, onClose }: AskingProps) {
  if (asked === "silence")
    return (
      <SilenceDialog
        monitor={state.monitor.name}
        feature={feature}
        features={state.monitor.features}
        onClose={onClose}
      />
    );
  if (asked === "rebase") return <RebaseDialog monitor={state.monitor} onClose={onClose} />;
  return <WindowDialog monitor={state.monitor.name} last={state.last} onClose={onClose} />;
}
