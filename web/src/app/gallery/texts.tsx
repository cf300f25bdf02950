import { useState } from "react";
import { Section } from "../../ui/card";
import { Diff } from "../../ui/diff/diff";
import { FilterBar } from "../../ui/filter-bar";
import { Json } from "../../ui/json";
import { LogView } from "../../ui/log-view/log-view";
import { Markdown } from "../../ui/markdown/markdown";
import { Menu } from "../../ui/menu";
import { blank, type Schema } from "../../ui/schema-form/schema";
import { SchemaForm } from "../../ui/schema-form/schema-form";

const E = "\u001b[";
const LOG = Array.from({ length: 400 }, (_, i) =>
  i % 40 === 7
    ? `${E}33mWARNING${E}0m step ${i}: rate lowered`
    : i % 90 === 50
      ? `${E}1;31mERROR${E}0m connection reset ${"by the far side, ".repeat(12)}`
      : `${E}2m04:${String(i % 60).padStart(2, "0")}${E}0m step=${i} loss=${(1 / (i + 1)).toFixed(4)} <b>not bold</b>`,
).join("\n");

const CARD = `# Card of late@7

Predicts whether a flight leaves **more than 15 minutes** late. Trained on \`dataset:flights@4\` by \`run:01JD8X3N5S8W7C1Z9QK4V2M7XT\`.

> Not for decisions about persons.

| Slice | AUC | Rows |
|:--|--:|--:|
| EWR | 0.741 | 9,012 |
| JFK | 0.728 | 8,771 |

1. Fitted on nine months
2. Calibrated on one
   - isotonic
   - *out of fold*

\`\`\`python
model = app.models.get("late@7")
\`\`\`

See [the runbook](https://example.org/runbook), not [this](javascript:alert(1)). <script>alert(1)</script>`;

const ROLLOUT: Schema = {
  type: "object",
  required: ["strategy", "weights", "alpha"],
  properties: {
    strategy: { enum: ["canary", "shadow", "blue_green"], description: "How the weights move." },
    alpha: {
      type: "number",
      minimum: 0,
      maximum: 0.5,
      default: 0.01,
      description: "Greatest share of wrong rollbacks.",
    },
    weights: { type: "array", items: { type: "number", minimum: 0, maximum: 1 }, default: [0.1, 0.5] },
    max_requests: { anyOf: [{ type: "integer" }, { type: "null" }], default: null },
    notify: { type: "boolean", default: true },
    guard: {
      oneOf: [
        {
          title: "errors",
          type: "object",
          required: ["kind", "share"],
          properties: { kind: { const: "errors" }, share: { type: "number", default: 0.02 } },
        },
        {
          title: "latency",
          type: "object",
          required: ["kind", "p95_ms"],
          properties: { kind: { const: "latency" }, p95_ms: { type: "number", default: 50 } },
        },
      ],
    },
    extra: { type: "object", description: "Anything else, as JSON." },
  },
};

export function Texts() {
  const [value, setValue] = useState<unknown>(() => blank(ROLLOUT));
  const [filter, setFilter] = useState("");
  const [shown, setShown] = useState(true);
  return (
    <>
      <Section title="Filter and menu">
        <FilterBar
          label="Filter runs"
          value={filter}
          onChange={setFilter}
          placeholder="auc > 0.7 and state = finished"
          note="124 of 9,000"
        >
          <Menu
            label="Columns"
            items={[
              { text: "Loss", checked: shown, onSelect: () => setShown(!shown) },
              { text: "AUC", checked: true, onSelect: () => undefined },
              { text: "Rows", checked: false, onSelect: () => undefined },
            ]}
          />
        </FilterBar>
      </Section>
      <Section title="Log">
        <LogView label="training log" text={LOG} maxHeight={260} />
      </Section>
      <div className="grid">
        <Section title="Form from a schema">
          <SchemaForm
            schema={ROLLOUT}
            value={value}
            onChange={setValue}
            onSubmit={() => undefined}
            verb="Start rollout"
          />
        </Section>
        <Section title="Its value">
          <Json value={value} />
        </Section>
      </div>
      <Section title="Markdown">
        <Markdown text={CARD} />
      </Section>
      <Section title="Diff">
        <Diff
          label="Card"
          a={CARD}
          b={CARD.replace("nine", "ten").replace("- isotonic\n", "").replace("0.728", "0.731")}
        />
      </Section>
    </>
  );
}
