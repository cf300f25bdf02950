import { type PageRoute, pages } from "../kernel/page";

const page = pages(() => import("./queries"));

export const routes: PageRoute[] = [
  page(
    "pipelines",
    () => import("./pages/pipelines"),
    "PipelinesPage",
    (q) => [q.overviewQuery],
  ),
  page(
    "pipelines/$pipeline",
    () => import("./pages/pipeline"),
    "PipelinePage",
    (q, { pipeline = "" }) => [q.pipelineQuery(pipeline)],
  ),
  page("executions", () => import("./pages/executions"), "ExecutionsPage"),
  page(
    "executions/$execution",
    () => import("./pages/execution"),
    "ExecutionPage",
    (q, { execution = "" }) => [q.executionQuery(execution), q.causesQuery(execution)],
  ),
];
