import { Link } from "@tanstack/react-router";
import { lastProject } from "../kernel/project";
import { Page } from "../ui/page";

export function PageNotFound() {
  return (
    <Page title="Nothing is here" lead="The address names no page. Things that were renamed are found by search.">
      <p>
        <Link to={`/${lastProject()}`}>Home</Link>
      </p>
    </Page>
  );
}

/** Where not even a project is. */
export function Alone() {
  return (
    <main>
      <PageNotFound />
    </main>
  );
}
