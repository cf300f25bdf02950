import { Status } from "../../ui/status";
import type { Measurement } from "../queries";
import { falseAlarms, size, sure, what } from "../words";

/** One sentence: what, how large, how sure, and how often the rule says so of nothing. */
export function Told({ measured }: { measured: Measurement }) {
  return (
    <p className="told">
      <strong>{what(measured)}</strong>: {size(measured)}; {sure(measured)}.{" "}
      <span title={`Measured on ${measured.measured}.`}>The rule alarms in {falseAlarms(measured.false_alarm)}.</span>
    </p>
  );
}

/** What the rule says: an alarm needs both, an effect beyond the tolerance and more than chance. */
export function Verdict({ measured }: { measured: Measurement }) {
  return measured.alarm ? <Status kind="bad" word="Alarm" /> : <Status kind="idle" word="No alarm" />;
}
