import { useProject } from "../../kernel/project";
import { choice, useUrlState } from "../../kernel/url";
import { Page } from "../../ui/page";
import { Executions } from "../parts/executions";
import { STATES } from "../states";
import "../pipelines.css";

const FIELDS = { state: choice(...STATES) };

/** What ran, what runs, what failed? */
export function ExecutionsPage() {
  const project = useProject();
  const [{ state }, set] = useUrlState(FIELDS);
  return (
    <Page title="Executions" crumbs={[{ text: "Pipelines", to: `/${project}/pipelines` }]}>
      <Executions
        state={state}
        onState={(next) => set({ state: next })}
        command="ostinato pipelines start --pipeline flows:daily"
      />
    </Page>
  );
}
