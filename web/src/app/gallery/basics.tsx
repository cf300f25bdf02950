import { Play, RotateCcw, Trash2 } from "lucide-react";
import { useState } from "react";
import { now } from "../../kernel/time";
import { Button } from "../../ui/button";
import { Card, Section } from "../../ui/card";
import { Code } from "../../ui/code";
import { Facts, Stats } from "../../ui/facts";
import { Id } from "../../ui/id";
import { Interval, Num } from "../../ui/num";
import { RefLink } from "../../ui/ref-link";
import { Status, Tag } from "../../ui/status";
import { Segments } from "../../ui/tabs";
import { Time } from "../../ui/time";

const COLOURS = [
  ..."bg panel raised hover selected line line-strong control text text-2 text-3 accent".split(" "),
  ..."ok warn bad info waiting series-1 series-2 series-3 series-4 series-5 series-6".split(" "),
];
const STATES = [
  ["ok", "Healthy"],
  ["warn", "Late"],
  ["bad", "Rolled back"],
  ["info", "Shadow"],
  ["waiting", "Waits for approval"],
  ["idle", "Not started"],
  ["running", "Running"],
] as const;
const RUN = "01JD8X3N5S8W7C1Z9QK4V2M7XT";

export function Basics() {
  return (
    <>
      <Stats
        items={[
          { label: "Rows delivered", value: <Num value={27004} />, note: "today, 4 h 12 min before the promise" },
          { label: "AUC", value: <Num value={0.7213} />, note: "[0.714, 0.729]" },
          { label: "p95", value: <Num value={12.34} unit="ms" />, note: "limit 50 ms" },
          { label: "Errors", value: <Num value={0.00021} />, note: "of 48,201 requests" },
          { label: "Cost, 30 d", value: <Num value={184.2} unit="€" />, note: "−12 % on last month" },
        ]}
      />
      <Buttons />
      <div className="grid">
        <Card title="Identity" note="late@7" aside={<Status kind="ok" word="In production" badge />}>
          <Facts
            items={[
              ["Model", <RefLink key="model" to="model:late@7" />],
              ["Run", <RefLink key="run" to={`run:${RUN}`} />],
              ["Run id", <Id key="id" value={RUN} />],
              ["Digest", <Id key="digest" value="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" />],
              ["Trained", <Time key="time" at={now() - 5 * 3_600_000} />],
              ["Approved", <Time key="approved" at={now() - 400 * 86_400_000} />],
              ["Quality", <Interval key="auc" value={0.7213} low={0.7142} high={0.7287} />],
              ["Change", <Num key="change" value={0.0123} signed />],
              [
                "Aliases",
                <span key="tags" className="row">
                  {["champion", "eu"].map((t) => (
                    <Tag key={t} text={t} />
                  ))}
                </span>,
              ],
              ["Owner", undefined],
            ]}
          />
        </Card>
        <Card title="States">
          <div className="stack">
            <div className="row">
              {STATES.map(([kind, word]) => (
                <Status key={kind} kind={kind} word={word} />
              ))}
            </div>
            <div className="row">
              {STATES.map(([kind, word]) => (
                <Status key={kind} kind={kind} word={word} badge />
              ))}
            </div>
          </div>
        </Card>
      </div>
      <Section title="Code">
        <Code command text="ostinato data deliver flights --source inbox/2013-09-02.csv --key 2013-09-02" />
        <Code label="traceback" text={TRACEBACK} />
      </Section>
      <Section title="Tokens">
        <div className="gallery-swatches">
          {COLOURS.map((name) => (
            <div key={name}>
              <span style={{ background: `var(--${name})` }} />
              {name}
            </div>
          ))}
        </div>
      </Section>
    </>
  );
}

function Buttons() {
  const [scale, setScale] = useState<"day" | "week" | "month">("week");
  return (
    <Section title="Buttons" aside={<span className="muted">one primary a page</span>}>
      <div className="row">
        <Button kind="primary" icon={<Play aria-hidden />}>
          Promote
        </Button>
        <Button icon={<RotateCcw aria-hidden />}>Roll back</Button>
        <Button kind="danger" icon={<Trash2 aria-hidden />}>
          Delete
        </Button>
        <Button kind="quiet">Cancel</Button>
        <Button kind="primary" busy>
          Promoting
        </Button>
        <Button disabled>Disabled</Button>
        <Button small>Small</Button>
        <Button small kind="quiet" aria-label="Run again" icon={<RotateCcw aria-hidden />} />
        <Segments
          label="Scale"
          items={(["day", "week", "month"] as const).map((value) => ({ value, text: value }))}
          value={scale}
          onChange={setScale}
        />
      </div>
    </Section>
  );
}

const TRACEBACK = `Traceback (most recent call last):
  File "flights/train.py", line 41, in fit
    model.fit(frame[FEATURES], frame["late"])
ValueError: Input X contains NaN: 14 rows of column 'dep_delay'`;
