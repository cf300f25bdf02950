import { useQuery } from "@tanstack/react-query";
import type { Schema } from "../../kernel/api/types";
import { count } from "../../kernel/number";
import { Empty } from "../../ui/empty";
import { Loaded } from "../../ui/loaded";
import { Page } from "../../ui/page";
import { RefLink } from "../../ui/ref-link";
import { Status } from "../../ui/status";
import { Time } from "../../ui/time";
import { kindOf } from "../parts/standing";
import { Words } from "../parts/words";
import { statesQuery } from "../queries";
import "../registry.css";

type ModelState = Schema<"ModelState">;

/** What is in production, since when, and what waits to follow? */
export function ModelsPage() {
  const states = useQuery(statesQuery);
  const empty = (
    <Empty title="No models yet" command="ostinato models create NAME">
      A model has gates that each of its versions must pass before somebody may approve it.
    </Empty>
  );
  return (
    <Page title="Models">
      <Loaded query={states} empty={empty}>
        {(all) => (
          <ul className="model-list">
            {all.map((state) => (
              <li key={state.model.name}>
                <Named {...state.model} />
                <InProduction mark={state.production} />
                <Waits {...state} />
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Page>
  );
}

function Named({ name, description, owner, risk }: Schema<"Model">) {
  return (
    <div className="model-cell">
      <h2 className="model-list-name">
        <RefLink to={`model:${name}`} bare />
      </h2>
      <p>{description}</p>
      <p className="muted">
        <RefLink to={owner} />, {risk} risk
      </p>
    </div>
  );
}

function InProduction({ mark }: { mark: Schema<"AliasMark"> | null }) {
  return (
    <div className="model-cell">
      <p className="model-list-head">In production</p>
      {mark ? (
        <>
          <p className="model-list-version">
            <RefLink to={mark.ref} bare />{" "}
            <span className="muted">
              since <Time at={mark.since} />
            </span>
          </p>
          <p>
            approved by{" "}
            {mark.approved_by.map((by) => (
              <RefLink key={by} to={by} />
            ))}
            , {mark.how === "promoted" ? "promoted" : "rolled back"} by <RefLink to={mark.by} />
          </p>
          <p className="muted">
            <Words text={mark.reason} />
          </p>
        </>
      ) : (
        <Status kind="idle" word="nothing yet" />
      )}
    </div>
  );
}

function Waits({ newest, ahead, production }: ModelState) {
  const none = !newest || newest.version === production?.version;
  return (
    <div className="model-cell">
      <p className="model-list-head">Newer</p>
      {none ? (
        <p className="muted">nothing waits</p>
      ) : (
        <>
          <p className="row">
            <RefLink to={newest.ref} bare />
            <Status kind={kindOf(newest.state)} word={newest.state} />
          </p>
          <p className="muted">
            registered <Time at={newest.registered_at} />
            {ahead > 1 && `, ${count(ahead, "version")} ahead of production`}
          </p>
        </>
      )}
    </div>
  );
}
