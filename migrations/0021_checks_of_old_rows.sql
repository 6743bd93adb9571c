-- Checks old rows against the constraints of 0018 and 0019, each table in one pass. A migration of its own: the pass holds
-- no lock that keeps anybody from reading or writing. The rows have passed stricter constraints, or the columns are new.

alter table workflow_runs
    validate constraint workflow_runs_epoch_positive,
    validate constraint workflow_runs_audience_known;
alter table job_executions
    validate constraint job_executions_status_known,
    validate constraint job_executions_epoch_positive,
    validate constraint job_executions_name_length,
    validate constraint job_executions_name_has_key;
