import { type PageRoute, pages } from "../kernel/page";

const page = pages(() => import("./queries"));

const rolloutPage = () => import("./pages/rollout");

export const routes: PageRoute[] = [
  page(
    "endpoints",
    () => import("./pages/endpoints"),
    "EndpointsPage",
    (q) => [q.statesQuery(168)],
  ),
  page(
    "endpoints/$endpoint",
    () => import("./pages/endpoint"),
    "EndpointPage",
    (q, { endpoint = "" }) => [q.endpointQuery(endpoint)],
  ),
  page("endpoints/$endpoint/rollouts/$rollout", rolloutPage, "RolloutPage", (q, { rollout = "" }) => [
    q.rolloutQuery(rollout),
  ]),
  page("rollouts/$rollout", rolloutPage, "RolloutPage", (q, { rollout = "" }) => [q.rolloutQuery(rollout)]),
  page(
    "predictions/$id",
    () => import("./pages/prediction"),
    "PredictionPage",
    (q, { id = "" }) => (id.includes("/") ? [q.predictionQuery(...q.splitPrediction(id))] : []),
  ),
];
