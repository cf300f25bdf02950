import { expect, test } from "vitest";
import { mlflowPath } from "./mlflow-links";

test.each([
  ["/", "#/experiments/01E/runs/01R", "/last/runs/01R"],
  ["/", "#/experiments/01E/runs/01R/artifacts/model", "/last/runs/01R"],
  ["/", "#/experiments/01E", "/last/experiments/01E"],
  ["/", "#/experiments/01E/overview", "/last/experiments/01E"],
  ["/", "#/experiments/01E/evaluation-runs?selectedRunUuid=01R", "/last/runs/01R"],
  ["/", "#/experiments/01E/traces?selectedEvaluationId=tr-1", "/last/traces/tr-1"],
  ["/", "#/models/late/versions/3", "/last/models/late/versions/3"],
  ["/", "#/models/late", "/last/models/late"],
  ["/mlflow/team/", "#/experiments/01E/runs/01R", "/team/runs/01R"],
  ["/mlflow/team", "", "/team"],
  ["/", "", undefined],
  ["/", "#/sign-in/abc", undefined],
  ["/default/runs", "#/experiments/01E", undefined],
])("%s%s leads to %s", (pathname, hash, path) => expect(mlflowPath(pathname, hash, "last")).toBe(path));
