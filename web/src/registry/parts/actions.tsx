import { Button } from "../../ui/button";
import { Menu, type MenuItem } from "../../ui/menu";
import type { Act } from "./verbs";

const SELDOM: ReadonlySet<Act["verb"]> = new Set(["retire", "check", "break_glass"]);

/** The verbs of a version as buttons; those that cannot be used say why on hover, and in the card of the decision. */
export function Actions({ acts, next, more }: { acts: readonly Act[]; next: Act | undefined; more: MenuItem[] }) {
  const shown = acts.filter(({ verb }) => !SELDOM.has(verb));
  const rest = acts.filter(({ verb }) => SELDOM.has(verb));
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
        items={[
          ...rest.map((act) => ({
            text: act.word,
            note: act.allowed ? undefined : act.reason,
            disabled: !act.allowed,
            danger: act.verb !== "check",
            onSelect: act.run,
          })),
          ...more,
        ]}
      />
    </>
  );
}
