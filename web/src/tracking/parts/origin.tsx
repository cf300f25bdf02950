import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { Section } from "../../ui/card";
import { Empty } from "../../ui/empty";
import { Facts } from "../../ui/facts";
import { FilterBar } from "../../ui/filter-bar";
import { Id } from "../../ui/id";
import { Loaded } from "../../ui/loaded";
import { type Story, textQuery } from "../queries";
import { Patch } from "./patch";

const PATCH = "code.patch";

/** The code that ran: commit, what the files differed in, the command. */
export function Origin({ story: { run, artifacts } }: { story: Story }) {
  const { code } = run;
  const patched = artifacts.some(({ path }) => path === PATCH);
  if (!code.entry && !code.commit)
    return (
      <Empty title="No code was recorded">
        Runs that a program starts with <code>app.run(…)</code> record their commit, patch and command. The code of a
        pipeline stands with its execution.
      </Empty>
    );
  return (
    <>
      <Facts
        items={[
          ["Commit", code.commit ? <Id key="c" value={code.commit} what="commit" /> : "not in a git repository"],
          ["Files", code.dirty ? "differed from the commit" : "as in the commit"],
          ["Program", <code key="e">{code.entry || "–"}</code>],
          ["Arguments", code.arguments?.length ? <code key="a">{code.arguments.join(" ")}</code> : "none"],
          ["Host", code.host || "–"],
        ]}
      />
      {patched && (
        <Section title="Patch" note="from the commit to the files that ran">
          <PatchFile run={run.id} />
        </Section>
      )}
    </>
  );
}

function PatchFile({ run }: { run: string }) {
  return <Loaded query={useQuery(textQuery(run, PATCH))}>{(text) => <Patch text={text} />}</Loaded>;
}

/** What it ran on: the interpreter, the platform, every installed package. */
export function World({ environment }: { environment: Story["environment"] }) {
  const [filter, setFilter] = useState("");
  const packages = useMemo(() => Object.entries(environment?.packages ?? {}), [environment]);
  if (!environment)
    return (
      <Empty title="No environment was recorded">The installed packages of a pipeline stand with its steps.</Empty>
    );
  const found = packages.filter(([name]) => name.includes(filter.toLowerCase()));
  return (
    <>
      <Facts
        items={[
          ["Python", environment.python],
          ["Platform", environment.platform],
        ]}
      />
      <Section title="Packages" note={packages.length}>
        <FilterBar
          label="Filter packages"
          value={filter}
          onChange={setFilter}
          note={filter && `${found.length} found`}
        />
        <ul className="run-packages">
          {found.map(([name, version]) => (
            <li key={name}>
              <span>{name}</span> <code>{version}</code>
            </li>
          ))}
        </ul>
      </Section>
    </>
  );
}
