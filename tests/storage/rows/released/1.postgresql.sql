CREATE TABLE access_actor (
id TEXT NOT NULL,
kind TEXT NOT NULL,
disabled BOOLEAN NOT NULL,
created_at BIGINT NOT NULL,
PRIMARY KEY (id)
);
CREATE TABLE access_attempt (
account TEXT NOT NULL,
network TEXT NOT NULL,
failures INTEGER NOT NULL,
at BIGINT NOT NULL,
PRIMARY KEY (account, network)
);
CREATE TABLE access_binding (
actor TEXT NOT NULL,
project TEXT NOT NULL,
role TEXT NOT NULL,
source VARCHAR(8) NOT NULL,
PRIMARY KEY (actor, project, role, source)
);
CREATE INDEX access_binding_project ON access_binding (project);
CREATE TABLE access_code (
hash BYTEA NOT NULL,
actor TEXT NOT NULL,
delegated BOOLEAN NOT NULL,
expires_at BIGINT NOT NULL,
used BOOLEAN NOT NULL,
PRIMARY KEY (hash)
);
CREATE TABLE access_device (
hash BYTEA NOT NULL,
user_code VARCHAR(9) NOT NULL,
name TEXT NOT NULL,
address TEXT NOT NULL,
expires_at BIGINT NOT NULL,
asked_at BIGINT,
actor TEXT,
delegated BOOLEAN,
state VARCHAR(8) NOT NULL,
PRIMARY KEY (hash),
UNIQUE (user_code)
);
CREATE TABLE access_epoch (
id SERIAL NOT NULL,
value BIGINT NOT NULL,
PRIMARY KEY (id)
);
CREATE TABLE access_exchanged (
hash BYTEA NOT NULL,
expires_at BIGINT NOT NULL,
PRIMARY KEY (hash)
);
CREATE TABLE access_identity (
issuer TEXT NOT NULL,
subject TEXT NOT NULL,
actor TEXT NOT NULL,
linked_at BIGINT NOT NULL,
linked_by TEXT NOT NULL,
PRIMARY KEY (issuer, subject)
);
CREATE UNIQUE INDEX access_identity_actor ON access_identity (actor);
CREATE TABLE access_password (
actor TEXT NOT NULL,
hash TEXT NOT NULL,
changed_at BIGINT NOT NULL,
PRIMARY KEY (actor)
);
CREATE TABLE access_project (
name TEXT NOT NULL,
description TEXT NOT NULL,
created_at BIGINT NOT NULL,
PRIMARY KEY (name)
);
CREATE TABLE access_role (
name TEXT NOT NULL,
project TEXT NOT NULL,
summary TEXT NOT NULL,
permissions TEXT NOT NULL,
PRIMARY KEY (name, project)
);
CREATE TABLE access_session (
id VARCHAR(26) NOT NULL,
hash BYTEA NOT NULL,
actor TEXT NOT NULL,
means VARCHAR(8) NOT NULL,
delegated BOOLEAN NOT NULL,
created_at BIGINT NOT NULL,
seen_at BIGINT NOT NULL,
expires_at BIGINT NOT NULL,
address TEXT NOT NULL,
agent TEXT NOT NULL,
PRIMARY KEY (id),
UNIQUE (hash)
);
CREATE INDEX access_session_actor ON access_session (actor);
CREATE TABLE access_token (
id VARCHAR(10) NOT NULL,
actor TEXT NOT NULL,
name TEXT NOT NULL,
hash BYTEA NOT NULL,
created_at BIGINT NOT NULL,
expires_at BIGINT NOT NULL,
last_used_at BIGINT,
last_used_from TEXT,
revoked BOOLEAN NOT NULL,
permissions TEXT,
projects TEXT,
issued_by TEXT NOT NULL,
delegated BOOLEAN NOT NULL,
rotated_to VARCHAR(10),
PRIMARY KEY (id)
);
CREATE INDEX access_token_actor ON access_token (actor);
CREATE TABLE access_trust (
project TEXT NOT NULL,
name TEXT NOT NULL,
service TEXT NOT NULL,
issuer TEXT NOT NULL,
audience TEXT NOT NULL,
claims TEXT NOT NULL,
permissions TEXT,
minutes INTEGER NOT NULL,
created_at BIGINT NOT NULL,
created_by TEXT NOT NULL,
PRIMARY KEY (project, name)
);
CREATE INDEX access_trust_issuer ON access_trust (issuer);
CREATE TABLE blob_owner (
project TEXT NOT NULL,
digest TEXT NOT NULL,
pack TEXT NOT NULL,
start BIGINT NOT NULL,
size BIGINT NOT NULL,
PRIMARY KEY (project, digest)
);
CREATE INDEX blob_owner_pack ON blob_owner (pack);
CREATE TABLE blob_upload (
project TEXT NOT NULL,
upload TEXT NOT NULL,
start BIGINT NOT NULL,
size BIGINT NOT NULL,
digest TEXT NOT NULL,
expires BIGINT NOT NULL,
PRIMARY KEY (project, upload, start)
);
CREATE TABLE data_dataset (
project TEXT NOT NULL,
name TEXT NOT NULL,
contract TEXT NOT NULL,
description TEXT NOT NULL,
owner TEXT NOT NULL,
mode TEXT NOT NULL,
licence TEXT NOT NULL,
purpose TEXT NOT NULL,
tags TEXT NOT NULL,
created_at BIGINT NOT NULL,
created_by TEXT NOT NULL,
PRIMARY KEY (project, name)
);
CREATE TABLE data_delivery (
project TEXT NOT NULL,
dataset TEXT NOT NULL,
key TEXT NOT NULL,
attempt INTEGER NOT NULL,
state TEXT NOT NULL,
version INTEGER,
rows BIGINT NOT NULL,
size BIGINT NOT NULL,
digest TEXT NOT NULL,
origin TEXT NOT NULL,
source TEXT NOT NULL,
source_digest TEXT NOT NULL,
report TEXT NOT NULL,
note TEXT NOT NULL,
delivered_at BIGINT NOT NULL,
delivered_by TEXT NOT NULL,
PRIMARY KEY (project, dataset, key, attempt)
);
CREATE INDEX data_delivery_at ON data_delivery (project, dataset, delivered_at);
CREATE INDEX data_delivery_state ON data_delivery (project, state, delivered_at);
CREATE TABLE data_part (
project TEXT NOT NULL,
dataset TEXT NOT NULL,
since INTEGER NOT NULL,
until INTEGER,
digest TEXT NOT NULL,
rows BIGINT NOT NULL,
size BIGINT NOT NULL,
delivery TEXT NOT NULL,
PRIMARY KEY (project, dataset, since)
);
CREATE TABLE data_profile (
project TEXT NOT NULL,
dataset TEXT NOT NULL,
version INTEGER NOT NULL,
profile TEXT NOT NULL,
PRIMARY KEY (project, dataset, version)
);
CREATE TABLE data_version (
project TEXT NOT NULL,
dataset TEXT NOT NULL,
version INTEGER NOT NULL,
schema TEXT NOT NULL,
source TEXT NOT NULL,
source_digest TEXT NOT NULL,
created_at BIGINT NOT NULL,
delivered_by TEXT NOT NULL,
PRIMARY KEY (project, dataset, version)
);
CREATE TABLE evaluation (
project TEXT NOT NULL,
id TEXT NOT NULL,
subject TEXT NOT NULL,
data TEXT NOT NULL,
datasets TEXT NOT NULL,
report TEXT NOT NULL,
recorded_at BIGINT NOT NULL,
recorded_by TEXT NOT NULL,
PRIMARY KEY (project, id)
);
CREATE INDEX ix_evaluation_subject ON evaluation (subject);
CREATE TABLE evaluation_measure (
project TEXT NOT NULL,
metric TEXT NOT NULL,
evaluation TEXT NOT NULL,
value FLOAT,
low FLOAT,
high FLOAT,
PRIMARY KEY (project, metric, evaluation)
);
CREATE TABLE explain_explanation (
project TEXT NOT NULL,
id TEXT NOT NULL,
model TEXT NOT NULL,
scope TEXT NOT NULL,
body TEXT NOT NULL,
made_at BIGINT NOT NULL,
PRIMARY KEY (project, id)
);
CREATE INDEX ix_explain_explanation_model ON explain_explanation (model);
CREATE TABLE features_load (
project TEXT NOT NULL,
view TEXT NOT NULL,
version INTEGER NOT NULL,
loaded_at BIGINT NOT NULL,
PRIMARY KEY (project, view, version)
);
CREATE TABLE features_view (
project TEXT NOT NULL,
name TEXT NOT NULL,
definition TEXT NOT NULL,
kinds TEXT NOT NULL,
defined_at BIGINT NOT NULL,
defined_by TEXT NOT NULL,
PRIMARY KEY (project, name)
);
CREATE TABLE ledger_cursor (
name TEXT NOT NULL,
seq BIGINT NOT NULL,
PRIMARY KEY (name)
);
CREATE TABLE ledger_event (
seq BIGINT NOT NULL,
id VARCHAR(26) NOT NULL,
at_us BIGINT NOT NULL,
project TEXT NOT NULL,
actor TEXT NOT NULL,
verb TEXT NOT NULL,
body BYTEA NOT NULL,
PRIMARY KEY (seq),
UNIQUE (id)
);
CREATE INDEX ledger_event_project ON ledger_event (project, seq);
CREATE TABLE ledger_head (
size BIGINT NOT NULL,
root VARCHAR(64) NOT NULL,
at BIGINT NOT NULL,
note TEXT NOT NULL,
PRIMARY KEY (size)
);
CREATE TABLE ledger_hold (
project TEXT NOT NULL,
id TEXT NOT NULL,
kind TEXT NOT NULL,
name TEXT NOT NULL,
version TEXT,
reason TEXT NOT NULL,
held_by TEXT NOT NULL,
held_at BIGINT NOT NULL,
released_by TEXT,
released_at BIGINT,
release_reason TEXT,
PRIMARY KEY (project, id)
);
CREATE INDEX ledger_hold_of ON ledger_hold (project, kind, name);
CREATE TABLE ledger_parked (
project TEXT NOT NULL,
name TEXT NOT NULL,
seq BIGINT NOT NULL,
at BIGINT NOT NULL,
error TEXT NOT NULL,
again BOOLEAN NOT NULL,
PRIMARY KEY (project, name, seq)
);
CREATE INDEX ledger_parked_again ON ledger_parked (again);
CREATE TABLE ledger_private (
seq BIGINT NOT NULL,
field TEXT NOT NULL,
project TEXT NOT NULL,
person TEXT NOT NULL,
salt BYTEA NOT NULL,
value BYTEA NOT NULL,
mark BYTEA,
PRIMARY KEY (seq, field),
UNIQUE (mark)
);
CREATE INDEX ledger_private_person ON ledger_private (project, person);
CREATE TABLE ledger_ref (
place BIGINT NOT NULL,
project TEXT NOT NULL,
ref TEXT COLLATE "C" NOT NULL,
role VARCHAR(1) NOT NULL,
PRIMARY KEY (place)
);
CREATE INDEX ledger_ref_ref ON ledger_ref (project, ref, role, place);
CREATE TABLE ledger_subscription (
project TEXT NOT NULL,
name TEXT NOT NULL,
sink TEXT NOT NULL,
parameters TEXT NOT NULL,
verbs TEXT NOT NULL,
paused BOOLEAN NOT NULL,
delivered_at BIGINT,
failures INTEGER NOT NULL,
retry_at FLOAT NOT NULL,
error TEXT NOT NULL,
owner TEXT NOT NULL,
lease_until FLOAT NOT NULL,
amid BIGINT NOT NULL,
message INTEGER NOT NULL,
PRIMARY KEY (project, name)
);
CREATE TABLE ledger_tile (
level INTEGER NOT NULL,
index BIGINT NOT NULL,
hashes BYTEA NOT NULL,
PRIMARY KEY (level, index)
);
CREATE TABLE monitoring_alert (
project TEXT NOT NULL,
id TEXT NOT NULL,
state TEXT NOT NULL,
raised_at BIGINT NOT NULL,
body TEXT NOT NULL,
PRIMARY KEY (project, id)
);
CREATE TABLE monitoring_finding (
project TEXT NOT NULL,
id TEXT NOT NULL,
monitor TEXT NOT NULL,
endpoint TEXT NOT NULL,
"window" TEXT NOT NULL,
state TEXT NOT NULL,
start BIGINT NOT NULL,
body TEXT NOT NULL,
PRIMARY KEY (project, id)
);
CREATE INDEX ix_monitoring_finding_endpoint ON monitoring_finding (endpoint);
CREATE INDEX monitoring_finding_start ON monitoring_finding (project, start);
CREATE INDEX monitoring_finding_state ON monitoring_finding (project, state, start);
CREATE TABLE monitoring_monitor (
project TEXT NOT NULL,
name TEXT NOT NULL,
content TEXT NOT NULL,
counted TEXT NOT NULL,
body TEXT NOT NULL,
PRIMARY KEY (project, name)
);
CREATE TABLE monitoring_reaction (
project TEXT NOT NULL,
"window" TEXT NOT NULL,
position INTEGER NOT NULL,
reaction TEXT NOT NULL,
spec TEXT NOT NULL,
state TEXT NOT NULL,
outcome TEXT NOT NULL,
problem TEXT NOT NULL,
PRIMARY KEY (project, "window", position)
);
CREATE TABLE monitoring_silence (
project TEXT NOT NULL,
id TEXT NOT NULL,
monitor TEXT NOT NULL,
body TEXT NOT NULL,
PRIMARY KEY (project, id)
);
CREATE TABLE monitoring_window (
project TEXT NOT NULL,
id TEXT NOT NULL,
monitor TEXT NOT NULL,
key TEXT NOT NULL,
start BIGINT NOT NULL,
body TEXT NOT NULL,
PRIMARY KEY (project, id),
UNIQUE (project, monitor, key)
);
CREATE INDEX monitoring_window_start ON monitoring_window (project, monitor, start);
CREATE TABLE pipeline_definition (
project TEXT NOT NULL,
name TEXT NOT NULL,
target TEXT NOT NULL,
summary TEXT NOT NULL,
created_at BIGINT NOT NULL,
created_by TEXT NOT NULL,
PRIMARY KEY (project, name)
);
CREATE TABLE pipeline_execution (
id TEXT NOT NULL,
project TEXT NOT NULL,
pipeline TEXT NOT NULL,
target TEXT NOT NULL,
parameters TEXT NOT NULL,
key TEXT,
actor TEXT NOT NULL,
scope TEXT,
state TEXT NOT NULL,
cancelling BOOLEAN NOT NULL,
attempt INTEGER NOT NULL,
attempts INTEGER NOT NULL,
owner TEXT NOT NULL,
fence INTEGER NOT NULL,
era TEXT NOT NULL,
beat_s FLOAT NOT NULL,
lease_s FLOAT NOT NULL,
delivered BIGINT NOT NULL,
created_at BIGINT NOT NULL,
started_at BIGINT,
ended_at BIGINT,
claimed_s FLOAT,
wall_s FLOAT,
error TEXT NOT NULL,
traceback TEXT NOT NULL,
output TEXT,
queue TEXT NOT NULL,
priority INTEGER NOT NULL,
tags TEXT NOT NULL,
cause TEXT NOT NULL,
nominal BIGINT,
trace TEXT NOT NULL,
depth INTEGER NOT NULL,
cpu_s FLOAT NOT NULL,
peak_rss_mb FLOAT NOT NULL,
price FLOAT NOT NULL,
PRIMARY KEY (id),
UNIQUE (project, pipeline, key)
);
CREATE INDEX pipeline_execution_due ON pipeline_execution (state, queue, priority, created_at, id);
CREATE INDEX pipeline_execution_listing ON pipeline_execution (project, created_at, id);
CREATE INDEX pipeline_execution_pipeline ON pipeline_execution (project, pipeline, created_at, id);
CREATE TABLE pipeline_fire (
project TEXT NOT NULL,
cause TEXT NOT NULL,
occasion TEXT NOT NULL,
execution TEXT NOT NULL,
PRIMARY KEY (project, cause, occasion)
);
CREATE TABLE pipeline_limit (
project TEXT NOT NULL,
name TEXT NOT NULL,
slots INTEGER NOT NULL,
PRIMARY KEY (project, name)
);
CREATE TABLE pipeline_log (
seq BIGSERIAL NOT NULL,
project TEXT NOT NULL,
execution TEXT NOT NULL,
step TEXT NOT NULL,
at BIGINT NOT NULL,
text TEXT NOT NULL,
PRIMARY KEY (seq)
);
CREATE INDEX pipeline_log_execution ON pipeline_log (execution, seq);
CREATE TABLE pipeline_memo (
project TEXT NOT NULL,
key BYTEA NOT NULL,
output TEXT NOT NULL,
step TEXT NOT NULL,
PRIMARY KEY (project, key)
);
CREATE TABLE pipeline_schedule (
project TEXT NOT NULL,
name TEXT NOT NULL,
pipeline TEXT NOT NULL,
cron TEXT NOT NULL,
zone TEXT NOT NULL,
parameters TEXT NOT NULL,
catch_up TEXT NOT NULL,
paused BOOLEAN NOT NULL,
next_at BIGINT,
created_at BIGINT NOT NULL,
created_by TEXT NOT NULL,
scope TEXT,
PRIMARY KEY (project, name)
);
CREATE INDEX pipeline_schedule_due ON pipeline_schedule (next_at);
CREATE TABLE pipeline_slot (
project TEXT NOT NULL,
execution TEXT NOT NULL,
tag TEXT NOT NULL,
PRIMARY KEY (project, execution, tag)
);
CREATE TABLE pipeline_source (
project TEXT NOT NULL,
digest TEXT NOT NULL,
parts TEXT NOT NULL,
PRIMARY KEY (project, digest)
);
CREATE TABLE pipeline_step (
id TEXT NOT NULL,
project TEXT NOT NULL,
execution TEXT NOT NULL,
seq INTEGER NOT NULL,
key BYTEA NOT NULL,
run TEXT NOT NULL,
name TEXT NOT NULL,
state TEXT NOT NULL,
cached BOOLEAN NOT NULL,
attempt INTEGER NOT NULL,
queued BIGINT NOT NULL,
started BIGINT NOT NULL,
ended BIGINT,
wall_s FLOAT,
cpu_s FLOAT,
peak_rss_mb FLOAT,
output TEXT,
type TEXT,
needs TEXT NOT NULL,
arguments TEXT NOT NULL,
code TEXT NOT NULL,
error TEXT NOT NULL,
traceback TEXT NOT NULL,
PRIMARY KEY (id)
);
CREATE INDEX pipeline_step_execution ON pipeline_step (execution, seq);
CREATE INDEX pipeline_step_name ON pipeline_step (project, name, started);
CREATE TABLE pipeline_trigger (
project TEXT NOT NULL,
name TEXT NOT NULL,
"on" TEXT NOT NULL,
subject TEXT NOT NULL,
pipeline TEXT NOT NULL,
parameters TEXT NOT NULL,
since BIGINT NOT NULL,
paused BOOLEAN NOT NULL,
stopped TEXT NOT NULL,
created_at BIGINT NOT NULL,
created_by TEXT NOT NULL,
scope TEXT,
PRIMARY KEY (project, name)
);
CREATE TABLE registry_check (
number SERIAL NOT NULL,
project TEXT NOT NULL,
id TEXT NOT NULL,
version TEXT NOT NULL,
binding TEXT NOT NULL,
champion INTEGER,
passed INTEGER NOT NULL,
results TEXT NOT NULL,
at BIGINT NOT NULL,
by TEXT NOT NULL,
PRIMARY KEY (number),
UNIQUE (id)
);
CREATE INDEX ix_registry_check_project ON registry_check (project);
CREATE INDEX ix_registry_check_version ON registry_check (version);
CREATE TABLE registry_decision (
number SERIAL NOT NULL,
project TEXT NOT NULL,
model TEXT NOT NULL,
version INTEGER NOT NULL,
kind TEXT NOT NULL,
by TEXT NOT NULL,
responsible TEXT NOT NULL,
reason TEXT NOT NULL,
at BIGINT NOT NULL,
binding TEXT NOT NULL,
"check" TEXT,
expires_at BIGINT,
voided_at BIGINT,
voided_because TEXT NOT NULL,
PRIMARY KEY (number)
);
CREATE INDEX registry_decision_of ON registry_decision (project, model, version);
CREATE TABLE registry_deprecation (
number SERIAL NOT NULL,
project TEXT NOT NULL,
model TEXT NOT NULL,
version INTEGER NOT NULL,
reason TEXT NOT NULL,
successor TEXT,
sunset_at BIGINT,
by TEXT NOT NULL,
at BIGINT NOT NULL,
lifted BOOLEAN NOT NULL,
PRIMARY KEY (number)
);
CREATE INDEX registry_deprecation_of ON registry_deprecation (project, model, version);
CREATE TABLE registry_file (
project TEXT NOT NULL,
model TEXT NOT NULL,
version INTEGER NOT NULL,
path TEXT NOT NULL,
digest TEXT NOT NULL,
size BIGINT NOT NULL,
PRIMARY KEY (project, model, version, path)
);
CREATE TABLE registry_glass (
id TEXT NOT NULL,
project TEXT NOT NULL,
model TEXT NOT NULL,
version INTEGER NOT NULL,
alias TEXT NOT NULL,
reason TEXT NOT NULL,
by TEXT NOT NULL,
at BIGINT NOT NULL,
due_at BIGINT NOT NULL,
verdict TEXT,
note TEXT NOT NULL,
reviewed_by TEXT,
reviewed_at BIGINT,
escalated_at BIGINT,
ends_at BIGINT NOT NULL,
told_at BIGINT,
PRIMARY KEY (id)
);
CREATE INDEX ix_registry_glass_project ON registry_glass (project);
CREATE TABLE registry_label (
project TEXT NOT NULL,
model TEXT NOT NULL,
version INTEGER NOT NULL,
description TEXT NOT NULL,
tags TEXT NOT NULL,
origin TEXT NOT NULL,
candidate TEXT,
stage TEXT NOT NULL,
changed_at BIGINT NOT NULL,
PRIMARY KEY (project, model, version)
);
CREATE INDEX registry_label_candidate ON registry_label (project, candidate);
CREATE TABLE registry_model (
project TEXT NOT NULL,
name TEXT NOT NULL,
description TEXT NOT NULL,
risk TEXT NOT NULL,
gates TEXT NOT NULL,
approvals INTEGER NOT NULL,
created_at BIGINT NOT NULL,
created_by TEXT NOT NULL,
content TEXT NOT NULL,
removed_at BIGINT,
renamed_to TEXT,
PRIMARY KEY (project, name)
);
CREATE TABLE registry_move (
number SERIAL NOT NULL,
project TEXT NOT NULL,
model TEXT NOT NULL,
alias TEXT NOT NULL,
version INTEGER NOT NULL,
how TEXT NOT NULL,
since BIGINT NOT NULL,
promoted_by TEXT NOT NULL,
reason TEXT NOT NULL,
approvals TEXT NOT NULL,
evidence TEXT,
artifact TEXT NOT NULL,
PRIMARY KEY (number)
);
CREATE INDEX ix_registry_move_model ON registry_move (model);
CREATE INDEX ix_registry_move_project ON registry_move (project);
CREATE TABLE registry_note (
number SERIAL NOT NULL,
project TEXT NOT NULL,
model TEXT NOT NULL,
section TEXT NOT NULL,
text TEXT NOT NULL,
by TEXT NOT NULL,
at BIGINT NOT NULL,
PRIMARY KEY (number)
);
CREATE INDEX ix_registry_note_project ON registry_note (project);
CREATE TABLE registry_owner (
project TEXT NOT NULL,
model TEXT NOT NULL,
owner TEXT NOT NULL,
place INTEGER NOT NULL,
PRIMARY KEY (project, model, owner)
);
CREATE TABLE registry_policy (
project TEXT NOT NULL,
model TEXT NOT NULL,
number INTEGER NOT NULL,
authors TEXT NOT NULL,
reason TEXT NOT NULL,
rules TEXT NOT NULL,
declared_by TEXT NOT NULL,
declared_at BIGINT NOT NULL,
expires_at BIGINT,
PRIMARY KEY (project, model, number)
);
CREATE TABLE registry_proof (
project TEXT NOT NULL,
model TEXT NOT NULL,
version INTEGER NOT NULL,
example TEXT NOT NULL,
scores TEXT NOT NULL,
PRIMARY KEY (project, model, version)
);
CREATE TABLE registry_risk (
number SERIAL NOT NULL,
project TEXT NOT NULL,
risk TEXT NOT NULL,
approvals INTEGER NOT NULL,
approvers TEXT NOT NULL,
valid_days INTEGER,
review_hours INTEGER NOT NULL,
glass_hours INTEGER NOT NULL,
reason TEXT NOT NULL,
by TEXT NOT NULL,
at BIGINT NOT NULL,
PRIMARY KEY (number)
);
CREATE INDEX ix_registry_risk_project ON registry_risk (project);
CREATE TABLE registry_source (
project TEXT NOT NULL,
model TEXT NOT NULL,
version INTEGER NOT NULL,
dataset TEXT NOT NULL,
of_version TEXT NOT NULL,
PRIMARY KEY (project, model, version, dataset, of_version)
);
CREATE TABLE registry_trust (
project TEXT NOT NULL,
model TEXT NOT NULL,
flavors TEXT NOT NULL,
reason TEXT NOT NULL,
by TEXT NOT NULL,
at BIGINT NOT NULL,
PRIMARY KEY (project, model)
);
CREATE TABLE registry_version (
project TEXT NOT NULL,
model TEXT NOT NULL,
version INTEGER NOT NULL,
key TEXT NOT NULL,
content TEXT NOT NULL,
artifact TEXT NOT NULL,
size INTEGER NOT NULL,
flavor TEXT NOT NULL,
signature TEXT NOT NULL,
run TEXT,
datasets TEXT NOT NULL,
evaluation TEXT,
evaluated TEXT,
features TEXT NOT NULL,
note TEXT NOT NULL,
author TEXT NOT NULL,
registered_at BIGINT NOT NULL,
removed_at BIGINT,
binding TEXT NOT NULL,
PRIMARY KEY (project, model, version),
UNIQUE (project, model, key)
);
CREATE INDEX registry_version_newest ON registry_version (project, registered_at);
CREATE INDEX registry_version_run ON registry_version (project, run);
CREATE TABLE series_chunk (
id BIGSERIAL NOT NULL,
project TEXT NOT NULL,
run TEXT NOT NULL,
key TEXT NOT NULL,
n INTEGER NOT NULL,
step_min BIGINT NOT NULL,
step_max BIGINT NOT NULL,
time_min BIGINT NOT NULL,
time_max BIGINT NOT NULL,
step_shift INTEGER,
time_shift INTEGER,
step_cells BYTEA,
time_cells BYTEA,
data BYTEA NOT NULL,
PRIMARY KEY (id)
);
CREATE INDEX series_chunk_key ON series_chunk (project, run, key, id);
CREATE INDEX series_chunk_open ON series_chunk (project, run, id) WHERE step_shift IS NULL;
CREATE TABLE series_client (
id BIGSERIAL NOT NULL,
project TEXT NOT NULL,
run TEXT NOT NULL,
client TEXT NOT NULL,
seq BIGINT NOT NULL,
digest TEXT NOT NULL,
PRIMARY KEY (id)
);
CREATE UNIQUE INDEX series_client_run ON series_client (project, run, client);
CREATE TABLE series_latest (
project TEXT NOT NULL,
run TEXT NOT NULL,
key TEXT NOT NULL,
last FLOAT,
step BIGINT NOT NULL,
at BIGINT NOT NULL,
min FLOAT,
max FLOAT,
n BIGINT NOT NULL,
PRIMARY KEY (project, run, key)
);
CREATE INDEX series_latest_key ON series_latest (project, key, last, run);
CREATE INDEX series_latest_max ON series_latest (project, key, max, run);
CREATE INDEX series_latest_min ON series_latest (project, key, min, run);
CREATE TABLE series_settled (
project TEXT NOT NULL,
run TEXT NOT NULL,
tail BIGINT NOT NULL,
PRIMARY KEY (project, run)
);
CREATE TABLE series_tail (
id BIGSERIAL NOT NULL,
project TEXT NOT NULL,
run TEXT NOT NULL,
data BYTEA NOT NULL,
PRIMARY KEY (id)
);
CREATE INDEX series_tail_run ON series_tail (project, run, id);
CREATE TABLE serving_endpoint (
project TEXT NOT NULL,
name TEXT NOT NULL,
version TEXT NOT NULL,
shares TEXT NOT NULL,
rollout TEXT,
salt TEXT NOT NULL,
keys TEXT NOT NULL,
created_at BIGINT NOT NULL,
created_by TEXT NOT NULL,
PRIMARY KEY (project, name)
);
CREATE TABLE serving_label (
number SERIAL NOT NULL,
project TEXT NOT NULL,
endpoint TEXT NOT NULL,
request_id TEXT NOT NULL,
value FLOAT NOT NULL,
at BIGINT NOT NULL,
by TEXT NOT NULL,
PRIMARY KEY (number),
UNIQUE (project, endpoint, request_id)
);
CREATE TABLE serving_release (
number SERIAL NOT NULL,
project TEXT NOT NULL,
endpoint TEXT NOT NULL,
shares TEXT NOT NULL,
since BIGINT NOT NULL,
by TEXT NOT NULL,
reason TEXT NOT NULL,
back BOOLEAN NOT NULL,
PRIMARY KEY (number)
);
CREATE INDEX serving_release_by_endpoint ON serving_release (project, endpoint, number);
CREATE TABLE serving_rollout (
id TEXT NOT NULL,
project TEXT NOT NULL,
endpoint TEXT NOT NULL,
identity TEXT NOT NULL,
labels_before INTEGER NOT NULL,
body TEXT NOT NULL,
PRIMARY KEY (id)
);
CREATE INDEX serving_rollout_by_endpoint ON serving_rollout (project, endpoint, id);
CREATE TABLE store_identity (
name TEXT NOT NULL,
value TEXT NOT NULL,
PRIMARY KEY (name)
);
CREATE TABLE store_term (
duty TEXT NOT NULL,
owner TEXT NOT NULL,
beat BIGINT NOT NULL,
PRIMARY KEY (duty)
);
CREATE TABLE traces_assessment (
project TEXT NOT NULL,
trace TEXT NOT NULL,
id TEXT NOT NULL,
span TEXT,
name TEXT NOT NULL,
kind TEXT NOT NULL,
value TEXT,
text TEXT NOT NULL,
number FLOAT,
error TEXT,
source TEXT NOT NULL,
source_id TEXT NOT NULL,
rationale TEXT NOT NULL,
metadata TEXT NOT NULL,
overrides TEXT,
valid BOOLEAN NOT NULL,
created_at BIGINT NOT NULL,
created_by TEXT NOT NULL,
changed_at BIGINT NOT NULL,
PRIMARY KEY (project, trace, id)
);
CREATE INDEX traces_assessment_name ON traces_assessment (project, name);
CREATE TABLE traces_entry (
project TEXT NOT NULL,
field TEXT NOT NULL,
number FLOAT NOT NULL,
text TEXT NOT NULL,
trace TEXT NOT NULL,
PRIMARY KEY (project, field, number, text, trace)
);
CREATE TABLE traces_evalrecord (
project TEXT NOT NULL,
evalset TEXT NOT NULL,
id TEXT NOT NULL,
inputs TEXT NOT NULL,
outputs TEXT,
expectations TEXT NOT NULL,
tags TEXT NOT NULL,
source TEXT,
created_at BIGINT NOT NULL,
created_by TEXT NOT NULL,
changed_at BIGINT NOT NULL,
changed_by TEXT NOT NULL,
PRIMARY KEY (project, evalset, id)
);
CREATE INDEX traces_evalrecord_created ON traces_evalrecord (project, evalset, created_at, id);
CREATE TABLE traces_evalset (
project TEXT NOT NULL,
id TEXT NOT NULL,
name TEXT NOT NULL,
experiments TEXT NOT NULL,
tags TEXT NOT NULL,
records BIGINT NOT NULL,
digest TEXT NOT NULL,
created_at BIGINT NOT NULL,
created_by TEXT NOT NULL,
changed_at BIGINT NOT NULL,
changed_by TEXT NOT NULL,
PRIMARY KEY (project, id)
);
CREATE TABLE traces_example (
project TEXT NOT NULL,
trace TEXT NOT NULL,
evalset TEXT NOT NULL,
record TEXT NOT NULL,
PRIMARY KEY (project, trace, evalset, record)
);
CREATE INDEX traces_example_record ON traces_example (project, evalset, record);
CREATE TABLE traces_file (
project TEXT NOT NULL,
trace TEXT NOT NULL,
path TEXT NOT NULL,
digest TEXT NOT NULL,
size BIGINT NOT NULL,
PRIMARY KEY (project, trace, path)
);
CREATE TABLE traces_issue (
project TEXT NOT NULL,
id TEXT NOT NULL,
experiment TEXT NOT NULL,
name TEXT NOT NULL,
description TEXT NOT NULL,
state TEXT NOT NULL,
severity TEXT,
causes TEXT NOT NULL,
categories TEXT NOT NULL,
run TEXT,
found_by TEXT NOT NULL,
created_at BIGINT NOT NULL,
created_by TEXT NOT NULL,
changed_at BIGINT NOT NULL,
changed_by TEXT NOT NULL,
PRIMARY KEY (project, id)
);
CREATE INDEX traces_issue_experiment ON traces_issue (project, experiment);
CREATE TABLE traces_linked (
project TEXT NOT NULL,
trace TEXT NOT NULL,
run TEXT NOT NULL,
PRIMARY KEY (project, trace, run)
);
CREATE INDEX traces_linked_run ON traces_linked (project, run);
CREATE TABLE traces_price (
project TEXT NOT NULL,
model TEXT NOT NULL,
input_per_million FLOAT NOT NULL,
output_per_million FLOAT NOT NULL,
set_at BIGINT NOT NULL,
set_by TEXT NOT NULL,
PRIMARY KEY (project, model)
);
CREATE TABLE traces_question (
project TEXT NOT NULL,
id TEXT NOT NULL,
experiment TEXT NOT NULL,
name TEXT NOT NULL,
kind TEXT NOT NULL,
answer TEXT NOT NULL,
instruction TEXT NOT NULL,
comment BOOLEAN NOT NULL,
created_at BIGINT NOT NULL,
created_by TEXT NOT NULL,
changed_at BIGINT NOT NULL,
changed_by TEXT NOT NULL,
PRIMARY KEY (project, id),
UNIQUE (project, experiment, name)
);
CREATE TABLE traces_retention (
project TEXT NOT NULL,
name TEXT NOT NULL,
days FLOAT NOT NULL,
experiment TEXT,
conditions TEXT NOT NULL,
keep_assessed BOOLEAN NOT NULL,
keep_examples BOOLEAN NOT NULL,
declared_by TEXT NOT NULL,
declared_at BIGINT NOT NULL,
applied_at BIGINT,
PRIMARY KEY (project, name)
);
CREATE TABLE traces_sampling (
project TEXT NOT NULL,
experiment TEXT NOT NULL,
share FLOAT NOT NULL,
keep_errors BOOLEAN NOT NULL,
seen BIGINT NOT NULL,
kept BIGINT NOT NULL,
declared_by TEXT NOT NULL,
declared_at BIGINT NOT NULL,
PRIMARY KEY (project, experiment)
);
CREATE TABLE traces_scorer (
project TEXT NOT NULL,
experiment TEXT NOT NULL,
name TEXT NOT NULL,
version BIGINT NOT NULL,
id TEXT NOT NULL,
definition TEXT,
created_at BIGINT NOT NULL,
created_by TEXT NOT NULL,
PRIMARY KEY (project, experiment, name, version)
);
CREATE TABLE traces_span (
project TEXT NOT NULL,
trace TEXT NOT NULL,
id TEXT NOT NULL,
parent TEXT,
name TEXT NOT NULL,
kind TEXT NOT NULL,
state TEXT NOT NULL,
start_ns BIGINT NOT NULL,
end_ns BIGINT,
model TEXT NOT NULL,
provider TEXT NOT NULL,
input_tokens BIGINT,
output_tokens BIGINT,
total_tokens BIGINT,
cost FLOAT,
words TEXT NOT NULL,
body BYTEA,
payload TEXT,
PRIMARY KEY (project, trace, id)
);
CREATE TABLE traces_trace (
project TEXT NOT NULL,
id TEXT NOT NULL,
experiment_id TEXT NOT NULL,
name TEXT NOT NULL,
state TEXT NOT NULL,
started_at BIGINT NOT NULL,
duration_us BIGINT,
spans BIGINT NOT NULL,
run TEXT,
candidate TEXT,
session_id TEXT NOT NULL,
user_id TEXT NOT NULL,
client_request_id TEXT NOT NULL,
request TEXT NOT NULL,
response TEXT NOT NULL,
input_tokens BIGINT,
output_tokens BIGINT,
total_tokens BIGINT,
cost FLOAT,
metadata TEXT NOT NULL,
tags TEXT NOT NULL,
recorded_at BIGINT NOT NULL,
told BOOLEAN NOT NULL,
PRIMARY KEY (project, id)
);
CREATE INDEX traces_trace_experiment ON traces_trace (project, experiment_id, started_at, id);
CREATE INDEX traces_trace_session ON traces_trace (project, session_id, started_at, id);
CREATE INDEX traces_trace_started ON traces_trace (project, started_at, id);
CREATE INDEX traces_trace_state ON traces_trace (project, state, started_at, id);
CREATE TABLE tracking_adoption (
project TEXT NOT NULL,
holder TEXT NOT NULL,
record TEXT NOT NULL,
archive TEXT NOT NULL,
whole BOOLEAN NOT NULL,
PRIMARY KEY (project, holder)
);
CREATE TABLE tracking_artifact (
project TEXT NOT NULL,
holder TEXT NOT NULL,
path TEXT NOT NULL,
digest TEXT NOT NULL,
size BIGINT NOT NULL,
kept_at BIGINT NOT NULL,
PRIMARY KEY (project, holder, path)
);
CREATE TABLE tracking_candidate (
project TEXT NOT NULL,
id TEXT NOT NULL,
name TEXT NOT NULL,
experiment_id TEXT NOT NULL,
run TEXT,
step BIGINT,
state TEXT NOT NULL,
message TEXT NOT NULL,
type TEXT NOT NULL,
params TEXT NOT NULL,
tags TEXT NOT NULL,
created_at BIGINT NOT NULL,
created_by TEXT NOT NULL,
changed_at BIGINT NOT NULL,
deleted_at BIGINT,
PRIMARY KEY (project, id)
);
CREATE INDEX tracking_candidate_created ON tracking_candidate (project, created_at, id);
CREATE INDEX tracking_candidate_experiment ON tracking_candidate (project, experiment_id, created_at, id);
CREATE INDEX tracking_candidate_run ON tracking_candidate (project, run);
CREATE TABLE tracking_entry (
project TEXT NOT NULL,
field TEXT NOT NULL,
number FLOAT NOT NULL,
text TEXT NOT NULL,
run TEXT NOT NULL,
PRIMARY KEY (project, field, number, text, run)
);
CREATE TABLE tracking_experiment (
project TEXT NOT NULL,
id TEXT NOT NULL,
name TEXT NOT NULL,
formerly TEXT NOT NULL,
tags TEXT NOT NULL,
note TEXT NOT NULL,
created_at BIGINT NOT NULL,
created_by TEXT NOT NULL,
changed_at BIGINT NOT NULL,
deleted_at BIGINT,
PRIMARY KEY (project, id),
UNIQUE (project, name)
);
CREATE TABLE tracking_measure (
project TEXT NOT NULL,
candidate TEXT NOT NULL,
key TEXT NOT NULL,
dataset_name TEXT NOT NULL,
dataset_digest TEXT NOT NULL,
step BIGINT NOT NULL,
at BIGINT NOT NULL,
run TEXT NOT NULL,
value FLOAT,
PRIMARY KEY (project, candidate, key, dataset_name, dataset_digest, step, at, run)
);
CREATE INDEX tracking_measure_run ON tracking_measure (project, run);
CREATE TABLE tracking_purge (
project TEXT NOT NULL,
holder TEXT NOT NULL,
PRIMARY KEY (project, holder)
);
CREATE TABLE tracking_retention (
project TEXT NOT NULL,
name TEXT NOT NULL,
act TEXT NOT NULL,
days FLOAT NOT NULL,
experiment TEXT,
conditions TEXT NOT NULL,
keep_best INTEGER NOT NULL,
best_by TEXT NOT NULL,
keep_tagged TEXT NOT NULL,
declared_by TEXT NOT NULL,
declared_at BIGINT NOT NULL,
applied_at BIGINT,
PRIMARY KEY (project, name)
);
CREATE TABLE tracking_run (
project TEXT NOT NULL,
id TEXT NOT NULL,
experiment TEXT NOT NULL,
name TEXT NOT NULL,
state TEXT NOT NULL,
parent TEXT,
params TEXT NOT NULL,
tags TEXT NOT NULL,
inputs TEXT NOT NULL,
outputs TEXT NOT NULL,
code TEXT NOT NULL,
environment TEXT,
started_at BIGINT NOT NULL,
started_by TEXT NOT NULL,
ended_at BIGINT,
error TEXT NOT NULL,
era TEXT,
beat_s FLOAT,
lease_s FLOAT,
cpu_s FLOAT,
wall_s FLOAT,
peak_rss_mb FLOAT,
experiment_id TEXT NOT NULL,
note TEXT NOT NULL,
recorded_at BIGINT NOT NULL,
amendable BOOLEAN NOT NULL,
deleted_at BIGINT,
deleted_with TEXT,
PRIMARY KEY (project, id)
);
CREATE INDEX tracking_run_experiment ON tracking_run (project, experiment, started_at, id, deleted_at);
CREATE INDEX tracking_run_going ON tracking_run (project, experiment) WHERE ended_at IS NULL;
CREATE INDEX tracking_run_parent ON tracking_run (project, parent);
CREATE INDEX tracking_run_started ON tracking_run (project, started_at, id, deleted_at);
CREATE TABLE tracking_source (
project TEXT NOT NULL,
id TEXT NOT NULL,
name TEXT NOT NULL,
digest TEXT NOT NULL,
type TEXT NOT NULL,
source TEXT NOT NULL,
schema TEXT NOT NULL,
profile TEXT NOT NULL,
PRIMARY KEY (project, id)
);
CREATE INDEX tracking_source_name ON tracking_source (project, name, digest);
CREATE TABLE tracking_use (
project TEXT NOT NULL,
run TEXT NOT NULL,
source TEXT NOT NULL,
context TEXT NOT NULL,
tags TEXT NOT NULL,
PRIMARY KEY (project, run, source, context)
);
CREATE INDEX tracking_use_source ON tracking_use (project, source, run, context);
CREATE TABLE tracking_view (
project TEXT NOT NULL,
id TEXT NOT NULL,
name TEXT NOT NULL,
owner TEXT NOT NULL,
experiment TEXT,
conditions TEXT NOT NULL,
order_by TEXT NOT NULL,
columns TEXT NOT NULL,
saved_at BIGINT NOT NULL,
PRIMARY KEY (project, id),
UNIQUE (project, name)
);
