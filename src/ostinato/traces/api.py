"""The operations of traces."""

from __future__ import annotations

from ostinato.kernel.operation import Op
from ostinato.traces.service import Traces

NAME = "traces"
SERVICE = Traces
OPS: list[Op] = [
    Op("POST", "/spans", Traces.put, "trace:write"),
    Op("POST", "/traces", Traces.record, "trace:write"),
    Op("GET", "/traces", Traces.search, "trace:read"),
    Op("GET", "/trace-moments", Traces.moments, "trace:read"),
    Op("GET", "/trace-measures", Traces.measures, "trace:read"),
    Op("GET", "/traces/{trace}", Traces.get, "trace:read"),
    Op("GET", "/traces/{trace}/spans", Traces.spans, "trace:read"),
    Op("POST", "/traces/{trace}/tags", Traces.tag, "trace:write"),
    Op("POST", "/linked-traces", Traces.link, "trace:write"),
    Op("POST", "/deleted-traces", Traces.delete, "trace:purge"),
    Op("POST", "/deleted-traces/oldest", Traces.delete_before, "trace:purge"),
    Op("GET", "/trace-retention-rules", Traces.retention, "trace:read"),
    Op("PUT", "/trace-retention-rules/{name}", Traces.retain, "trace:purge"),
    Op("DELETE", "/trace-retention-rules/{name}", Traces.drop_retention, "trace:purge"),
    Op("POST", "/applied-trace-retention", Traces.apply_retention, "trace:purge"),
    Op("GET", "/trace-sampling", Traces.sampling, "trace:read"),
    Op("POST", "/trace-sampling", Traces.sample, "trace:purge"),
    Op("POST", "/traces/{trace}/assessments", Traces.assess, "trace:assess", 201),
    Op("GET", "/traces/{trace}/assessments/{assessment}", Traces.assessment, "trace:read"),
    Op("PATCH", "/traces/{trace}/assessments/{assessment}", Traces.reassess, "trace:assess"),
    Op("DELETE", "/traces/{trace}/assessments/{assessment}", Traces.drop_assessment, "trace:assess"),
    Op("POST", "/issues", Traces.report_issue, "trace:assess", 201),
    Op("GET", "/issues", Traces.issues, "trace:read"),
    Op("GET", "/issues/{issue}", Traces.issue, "trace:read"),
    Op("PATCH", "/issues/{issue}", Traces.change_issue, "trace:assess"),
    Op("POST", "/questions", Traces.create_question, "trace:write", 201),
    Op("GET", "/questions", Traces.questions, "trace:read"),
    Op("GET", "/questions/{question}", Traces.question, "trace:read"),
    Op("PATCH", "/questions/{question}", Traces.change_question, "trace:write"),
    Op("DELETE", "/questions/{question}", Traces.drop_question, "trace:write"),
    Op("POST", "/scorers", Traces.register_scorer, "trace:write", 201),
    Op("GET", "/scorers", Traces.scorers, "trace:read"),
    Op("GET", "/scorer-versions", Traces.scorer_versions, "trace:read"),
    Op("GET", "/scorers/{name:path}", Traces.scorer, "trace:read"),
    Op("DELETE", "/scorers/{name:path}", Traces.drop_scorer, "trace:write"),
    Op("GET", "/prices", Traces.prices, "trace:read"),
    Op("POST", "/prices", Traces.set_price, "trace:write"),
    Op("DELETE", "/prices/{model:path}", Traces.drop_price, "trace:write"),
    Op("POST", "/evalsets", Traces.create_evalset, "trace:write", 201),
    Op("GET", "/evalsets", Traces.evalsets, "trace:read"),
    Op("GET", "/evalsets/{evalset}", Traces.evalset, "trace:read"),
    Op("PATCH", "/evalsets/{evalset}", Traces.change_evalset, "trace:write"),
    Op("DELETE", "/evalsets/{evalset}", Traces.delete_evalset, "trace:purge"),
    Op("POST", "/evalsets/{evalset}/records", Traces.merge_records, "trace:write"),
    Op("GET", "/evalsets/{evalset}/records", Traces.records, "trace:read"),
    Op("POST", "/evalsets/{evalset}/dropped-records", Traces.drop_records, "trace:write"),
]
