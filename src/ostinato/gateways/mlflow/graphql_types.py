"""GraphQL types: the fields of MLflow's messages that a query may name, each with what it is; a list stands in brackets."""

from __future__ import annotations

_PAIR = {"key": "string", "value": "string"}
_POINT = {"key": "string", "value": "float", "timestamp": "long", "step": "long", "runId": "string"}
_MEASURED = _POINT | {"datasetName": "string", "datasetDigest": "string", "modelId": "string"}
_REPLY = {"apiError": "ApiError"}
TYPES: dict[str, dict[str, str]] = {
    "ApiError": {"code": "string", "message": "string", "helpUrl": "string"},
    "Test": {"output": "string"},
    "MlflowModelVersionDeploymentJobState": {
        "jobId": "string", "runId": "string", "currentTaskName": "string", "jobState": "enum", "runState": "enum",
    },
    "MlflowModelParam": {"name": "string", "value": "string"},
    "MlflowModelVersionTag": _PAIR,
    "MlflowModelMetric": _MEASURED,
    "MlflowModelVersion": {
        "name": "string", "version": "string", "creationTimestamp": "long", "lastUpdatedTimestamp": "long", "userId": "string",
        "currentStage": "string", "description": "string", "source": "string", "runId": "string", "status": "enum",
        "statusMessage": "string", "tags": "[MlflowModelVersionTag]", "runLink": "string", "aliases": "[string]", "modelId": "string",
        "modelParams": "[MlflowModelParam]", "modelMetrics": "[MlflowModelMetric]",
        "deploymentJobState": "MlflowModelVersionDeploymentJobState",
    },
    "MlflowSearchModelVersionsResponse": _REPLY | {"modelVersions": "[MlflowModelVersion]", "nextPageToken": "string"},
    "MlflowDatasetSummary": dict.fromkeys(["experimentId", "name", "digest", "context"], "string"),
    "MlflowSearchDatasetsResponse": _REPLY | {"datasetSummaries": "[MlflowDatasetSummary]"},
    "MlflowMetricWithRunId": _POINT,
    "MlflowGetMetricHistoryBulkIntervalResponse": _REPLY | {"metrics": "[MlflowMetricWithRunId]"},
    "MlflowFileInfo": {"path": "string", "isDir": "bool", "fileSize": "long"},
    "MlflowListArtifactsResponse": _REPLY | {"rootUri": "string", "files": "[MlflowFileInfo]", "nextPageToken": "string"},
    "MlflowModelOutput": {"modelId": "string", "step": "long"},
    "MlflowRunOutputs": {"modelOutputs": "[MlflowModelOutput]"},
    "MlflowModelInput": {"modelId": "string"},
    "MlflowDataset": dict.fromkeys(["name", "digest", "sourceType", "source", "schema", "profile"], "string"),
    "MlflowInputTag": _PAIR,
    "MlflowDatasetInput": {"tags": "[MlflowInputTag]", "dataset": "MlflowDataset"},
    "MlflowRunInputs": {"datasetInputs": "[MlflowDatasetInput]", "modelInputs": "[MlflowModelInput]"},
    "MlflowRunTag": _PAIR,
    "MlflowParam": _PAIR,
    "MlflowMetricExtension": _MEASURED,
    "MlflowRunData": {"metrics": "[MlflowMetricExtension]", "params": "[MlflowParam]", "tags": "[MlflowRunTag]"},
    "MlflowRunInfo": {
        "runId": "string", "runUuid": "string", "runName": "string", "experimentId": "string", "userId": "string", "status": "enum",
        "startTime": "long", "endTime": "long", "artifactUri": "string", "lifecycleStage": "string",
    },
    "MlflowRunExtension": {
        "info": "MlflowRunInfo", "data": "MlflowRunData", "inputs": "MlflowRunInputs", "outputs": "MlflowRunOutputs",
        "experiment": "MlflowExperiment", "modelVersions": "[MlflowModelVersion]",
    },
    "MlflowSearchRunsResponse": _REPLY | {"runs": "[MlflowRunExtension]", "nextPageToken": "string"},
    "MlflowGetRunResponse": _REPLY | {"run": "MlflowRunExtension"},
    "MlflowExperimentTag": _PAIR,
    "MlflowExperiment": {
        "experimentId": "string", "name": "string", "artifactLocation": "string", "lifecycleStage": "string", "lastUpdateTime": "long",
        "creationTime": "long", "tags": "[MlflowExperimentTag]", "effectiveTraceArchivalRetention": "string", "workspace": "string",
    },
    "MlflowGetExperimentResponse": _REPLY | {"experiment": "MlflowExperiment"},
}  # fmt: skip
"""Every type with its fields; the lowest are `string`, `long` (in a text), `float`, `bool` and `enum`."""
_SEARCH_RUNS = {"mlflowSearchRuns": "MlflowSearchRunsResponse"}
ROOTS: dict[str, dict[str, str]] = {
    "query": _SEARCH_RUNS | {
        "test": "Test", "mlflowGetExperiment": "MlflowGetExperimentResponse", "mlflowGetRun": "MlflowGetRunResponse",
        "mlflowGetMetricHistoryBulkInterval": "MlflowGetMetricHistoryBulkIntervalResponse",
        "mlflowListArtifacts": "MlflowListArtifactsResponse", "mlflowSearchModelVersions": "MlflowSearchModelVersionsResponse",
    },
    "mutation": _SEARCH_RUNS | {"testMutation": "Test", "mlflowSearchDatasets": "MlflowSearchDatasetsResponse"},
}  # fmt: skip
"""What may be asked for first, by the kind of the operation, and what it answers with."""
