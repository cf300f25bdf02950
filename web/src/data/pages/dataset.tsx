import { useQuery } from "@tanstack/react-query";
import { useProject } from "../../kernel/project";
import { useParam } from "../../kernel/url";
import { Facts } from "../../ui/facts";
import { Loaded } from "../../ui/loaded";
import { Page } from "../../ui/page";
import { datasetQuery } from "../queries";

export function DatasetPage() {
  const name = useParam("name");
  const project = useProject();
  const dataset = useQuery(datasetQuery(name));
  return (
    <Page title={name} crumbs={[{ text: "Data", to: `/${project}/data` }]}>
      <Loaded query={dataset}>
        {({ owner, purpose, licence }) => (
          <Facts
            items={[
              ["Owner", owner],
              ["Purpose", purpose],
              ["Licence", licence],
            ]}
          />
        )}
      </Loaded>
    </Page>
  );
}
