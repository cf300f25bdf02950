import { Button } from "../../ui/button";
import { Menu } from "../../ui/menu";
import type { Act } from "./verbs";

/** The verbs of a version as buttons; those that cannot be used say why on hover, and in the card of the decision. */
export function Actions({ acts, next }: { acts: readonly Act[]; next: Act | undefined }) {
  const shown = acts.filter(({ verb }) => verb !== "retire" && verb !== "check");
  const rest = acts.filter(({ verb }) => verb === "retire" || verb === "check");
  return (
    <>
      {shown.map((act) => (
        <Button
          key={act.verb}
          kind={act === next ? "primary" : act.verb === "reject" || act.verb === "rollback" ? "danger" : "plain"}
          disabled={!act.allowed}
          title={act.allowed ? undefined : act.reason}
          onClick={act.run}
        >
          {act.word}
        </Button>
      ))}
      {next?.verb === "check" && (
        <Button kind="primary" onClick={next.run}>
          Check
        </Button>
      )}
      <Menu
        label="More"
        items={rest.map((act) => ({
          text: act.allowed ? act.word : `${act.word}: ${act.reason}`,
          disabled: !act.allowed,
          danger: act.verb === "retire",
          onSelect: act.run,
        }))}
      />
    </>
  );
}
