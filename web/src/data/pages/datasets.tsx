import { useQuery } from "@tanstack/react-query";
import { Empty } from "../../ui/empty";
import { Loaded } from "../../ui/loaded";
import { Page } from "../../ui/page";
import { RefLink } from "../../ui/ref-link";
import { datasetsQuery } from "../queries";

export function DatasetsPage() {
  const datasets = useQuery(datasetsQuery);
  return (
    <Page title="Data">
      <Loaded query={datasets} empty={<Empty title="No datasets yet" command="ostinato datasets create NAME" />}>
        {(all) => (
          <ul>
            {all.map((dataset) => (
              <li key={dataset.name}>
                <RefLink to={`dataset:${dataset.name}`} bare /> <span className="muted">{dataset.description}</span>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Page>
  );
}
