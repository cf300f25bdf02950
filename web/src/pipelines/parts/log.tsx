import { useMemo } from "react";
import { useNow } from "../../kernel/time";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { ErrorBox } from "../../ui/error-box";
import { LogView } from "../../ui/log-view/log-view";
import { Segments } from "../../ui/tabs";
import { logText, useLog } from "../log";

interface LogProps {
  execution: string;
  ended: boolean;
  names: ReadonlyMap<string, string>;
  /** The call in view, if one is. */
  step: string | undefined;
  only: boolean;
  onOnly: (only: boolean) => void;
}

/** What the steps said, as they say it. */
export function Log({ execution, ended, names, step, only, onOnly }: LogProps) {
  const { lines, error, more } = useLog(execution, ended);
  const narrowed = only && step !== undefined;
  const text = useMemo(() => {
    const shown = narrowed ? lines.filter((line) => line.step === step) : lines;
    return logText(shown, names);
  }, [lines, names, narrowed, step]);
  useNow();
  const choose = step !== undefined && lines.length > 0 && (
    <Segments
      label="Lines of"
      items={[
        { value: "all", text: "All steps" },
        { value: "one", text: names.get(step) ?? "This step" },
      ]}
      value={narrowed ? "one" : "all"}
      onChange={(value) => onOnly(value === "one")}
    />
  );
  return (
    <Section title="Log" aside={choose}>
      {error !== undefined && <ErrorBox error={error} />}
      {text ? (
        <LogView label="log" text={text} live={!ended} />
      ) : lines.length > 0 ? (
        <p className="muted">This step logged nothing.</p>
      ) : (
        <p className="muted">
          {ended ? "Nothing was logged." : "Nothing is logged yet."} A step writes here with{" "}
          <code>ost.current().log(text)</code>.
        </p>
      )}
      {more && (
        <Button small onClick={more}>
          There is more: read on
        </Button>
      )}
    </Section>
  );
}
