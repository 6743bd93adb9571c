-- What clients did not report, and what was left out of what they did.

alter table job_executions
    -- Whether a start was reported of it: never, as the newest report of it, or before its description.
    add column start_told text not null default 'before',
    -- Where its end, or all of it, is taken from where no report tells: the end of its run, or the run's own log.
    add column filled_from text,
    add constraint job_executions_start_told_known check (start_told in ('no', 'last', 'before')),
    add constraint job_executions_filled_from_known check (filled_from in ('close', 'log'));
-- How much of a run was not reported: few jobs, counted for its page.
create index job_executions_filled on job_executions (workflow_run_id, filled_from) where filled_from is not null and not superseded;

-- Both null for nearly all, so that rows do not grow.
alter table workflow_runs
    add column cuts jsonb,                                  -- what was too long to be kept whole, with how much of it is
    add column errors_cut integer;                          -- errors reported beyond those that are kept
