-- What an engine needs of runs and jobs: jobs that somebody holds back, runs that go on after their end, jobs with names.
--
-- No row is rewritten: new columns are null or have a constant default, and old rows are checked by 0021, not here under the lock.

alter table job_executions
    drop constraint job_executions_status_known,
    add constraint job_executions_status_known check (status in
        ('waiting', 'running', 'suspended', 'success', 'failed', 'lost', 'cancelled', 'skipped')) not valid;

-- The final end of a run ends an epoch, not always the run: a rerun opens the next one.
alter table workflow_runs
    add column epoch integer not null default 1,
    add constraint workflow_runs_epoch_positive check (epoch >= 1) not valid;

alter table job_executions
    add column epoch integer,                               -- its run's when the attempt was made; null in older rows: the first
    add column name  text,                                  -- of a job that its source knows by name; job_id is then a key made of it
    add constraint job_executions_epoch_positive check (epoch >= 1) not valid,
    add constraint job_executions_name_length check (char_length(name) between 1 and 2000) not valid,
    -- The key survives JSON clients that read numbers as doubles.
    add constraint job_executions_name_has_key check (name is null or job_id is not null and job_id between 1 and 9007199254740991) not valid;
