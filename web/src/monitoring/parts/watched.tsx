import type { Schema } from "../../kernel/api/types";
import { Card } from "../../ui/card";
import { Facts } from "../../ui/facts";
import { Id } from "../../ui/id";
import { RefLink } from "../../ui/ref-link";
import { Time } from "../../ui/time";
import { measureOf } from "../words";

/** What the monitor was told to do. */
export function Watched({ monitor }: { monitor: Schema<"Monitor"> }) {
  const { endpoint, reference, features, block, alpha, tests, reactions, created_at, created_by } = monitor;
  return (
    <Card title="Configuration">
      <Facts
        items={[
          ["Endpoint", <RefLink key="endpoint" to={`endpoint:${endpoint}`} bare />],
          ["Reference", <Id key="reference" value={reference} what="digest of the reference" />],
          ["Features", `${features.length}, and the score`],
          ["Dependence block", block || "none: rows are independent"],
          ["False discovery rate", `at most ${alpha * 100} %`],
          ["Tolerances set", set(tests)],
          [
            "Reactions",
            reactions.map(({ reaction, on = [] }) => `${reaction} on ${on.join(", ")}`).join("; ") || "none",
          ],
          [
            "Created",
            <span key="created">
              <Time at={created_at} /> by <RefLink to={created_by} bare />
            </span>,
          ],
        ]}
      />
    </Card>
  );
}

function set(tests: Schema<"Monitor">["tests"]): string {
  const own = tests.filter(({ tolerance }) => tolerance !== null);
  const said = own.map(
    ({ test, tolerance, features = [] }) =>
      `${measureOf(test)} ${tolerance}${features.length ? ` for ${features.join(", ")}` : ""}`,
  );
  return said.join("; ") || "those of the tests";
}
