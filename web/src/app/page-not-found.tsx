import { Link } from "@tanstack/react-router";
import { lastProject } from "../kernel/project";
import { Page } from "../ui/page";

export function PageNotFound() {
  return (
    <Page title="Page not found" lead="No page has this address. The search finds what was renamed.">
      <p>
        <Link to={`/${lastProject()}`}>Go to Home</Link>
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
