import { useQuery } from "@tanstack/react-query";
import { BellOff, Check } from "lucide-react";
import { useMemo, useState } from "react";
import { useMay } from "../../kernel/session";
import { choice, useUrlState } from "../../kernel/url";
import { useVerbs } from "../../kernel/verbs";
import { Button } from "../../ui/button";
import { Loaded } from "../../ui/loaded";
import { RefLink } from "../../ui/ref-link";
import { Skeleton } from "../../ui/skeleton";
import { type Finding, reactionsQuery, storyQuery } from "../queries";
import { KINDS, subject, windowName } from "../words";
import { FindingHistory } from "./finding-history";
import { FindingState } from "./finding-state";
import { Measured } from "./measured";
import { SilenceDialog } from "./silence-dialog";
import { MAY_NOT } from "./verbs";

const VIEW = { draw: choice("shares", "cumulative") };

interface FindingPaneProps {
  finding: Finding;
  onAcknowledge: () => void;
}

/** One finding: is it real, how large, and what was done? */
export function FindingPane({ finding, onAcknowledge }: FindingPaneProps) {
  const { monitor, endpoint, window, start, end, measurement } = finding;
  const [{ draw }, set] = useUrlState(VIEW);
  const name = windowName({ key: "", start, end });
  return (
    <article className="finding" aria-labelledby="finding-title">
      <header>
        <div>
          <h2 id="finding-title">{subject(measurement)}</h2>
          <FindingState finding={finding} />
        </div>
        <FindingVerbs finding={finding} onAcknowledge={onAcknowledge} />
      </header>
      <p className="finding-where">
        {KINDS[measurement.kind]} of <RefLink to={`endpoint:${endpoint}`} />, seen by{" "}
        <RefLink to={`monitor:${monitor}`} /> in <RefLink to={`window:${window}`}>window {name}</RefLink>
      </p>
      <Done finding={finding} />
      <Measured
        monitor={monitor}
        window={{ id: window, key: "", start, end }}
        measured={measurement}
        drawing={draw}
        onDrawing={(next) => set({ draw: next })}
      />
      <FindingHistory finding={finding} />
    </article>
  );
}

function FindingVerbs({ finding, onAcknowledge }: FindingPaneProps) {
  const { state, monitor, measurement } = finding;
  const may = useMay("monitor:write");
  const [silencing, setSilencing] = useState(false);
  const story = useQuery({ ...storyQuery(monitor), enabled: silencing });
  const about = subject(measurement);
  const silence = useMemo(
    () => [{ label: `Silence ${about}`, run: () => setSilencing(true), enabled: may || MAY_NOT }],
    [about, may],
  );
  useVerbs(silence);
  const why = !may ? MAY_NOT : state === "acknowledged" ? "It is acknowledged" : undefined;
  return (
    <div className="row">
      <Button
        icon={<BellOff aria-hidden />}
        disabled={!may}
        title={may ? undefined : MAY_NOT}
        onClick={() => setSilencing(true)}
      >
        Silence…
      </Button>
      <Button
        kind="primary"
        icon={<Check aria-hidden />}
        disabled={why !== undefined}
        title={why}
        aria-keyshortcuts="a"
        onClick={onAcknowledge}
      >
        Acknowledge…
      </Button>
      {silencing && story.data && (
        <SilenceDialog
          monitor={monitor}
          feature={measurement.feature}
          features={story.data.state.monitor.features}
          onClose={() => setSilencing(false)}
        />
      )}
    </div>
  );
}

/** What people and reactions did about it. */
function Done({ finding: { state, note, handled_by, window } }: { finding: Finding }) {
  const reactions = useQuery(reactionsQuery(window));
  return (
    <div className="finding-done" data-kind={state === "acknowledged" ? "ok" : undefined}>
      {state === "acknowledged" && handled_by ? (
        <>
          Acknowledged by <RefLink to={handled_by} bare />: {note ? `“${note}”` : "without a note"}.{" "}
        </>
      ) : state === "silenced" ? (
        "Silenced when it was found: it set off no reaction. "
      ) : (
        "Not acknowledged yet. "
      )}
      <Loaded query={reactions} skeleton={<Skeleton lines={1} />} empty={<span>The window set off no reaction.</span>}>
        {(found) => (
          <>
            The window set off{" "}
            {found.map(({ reaction, outcome, state: how, position }, i) => (
              <span key={position}>
                {i > 0 && (i === found.length - 1 ? " and " : ", ")}
                {outcome ? (
                  <>
                    {reaction} (<RefLink to={outcome} bare={outcome.startsWith(`${reaction}:`)} />)
                  </>
                ) : (
                  `${reaction} (${how})`
                )}
              </span>
            ))}
            .
          </>
        )}
      </Loaded>
    </div>
  );
}
