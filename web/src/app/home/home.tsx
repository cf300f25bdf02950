import { Page } from "../../ui/page";

export function HomePage() {
  return (
    <Page title="Home">
      <p className="muted">The loop at a glance.</p>
    </Page>
  );
}
