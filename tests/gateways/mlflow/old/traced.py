"""A traced function as MLflow 2 has it: run by that client's interpreter, against MLFLOW_TRACKING_URI."""

import mlflow

mlflow.set_experiment("old traces")


@mlflow.trace(name="answer", attributes={"tier": "gold"})
def answer(question: str) -> str:
    """Say something."""
    with mlflow.start_span("look up") as span:
        span.set_inputs({"q": question})
    return question.upper()


answer("why?")
(trace,) = mlflow.search_traces(return_type="list")
assert sorted(span.name for span in trace.data.spans) == ["answer", "look up"], trace.data.spans
print(f"traced by {mlflow.__version__}: {trace.info.request_id}")
