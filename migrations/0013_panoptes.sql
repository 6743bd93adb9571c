-- What clients of Panoptes know a workflow by, and what they tell besides.

alter table workflow_runs
    add column panoptes_id bigint,                         -- the small number all attempts of one name share
    add column done_told   integer;                        -- jobs the client says are done, where it counts itself
-- The newest attempt behind a number.
create index workflow_runs_panoptes on workflow_runs (panoptes_id, number desc) where panoptes_id is not null;
-- Whether a name was used before; a hash, for names may be longer than an index entry.
create index workflow_runs_panoptes_name on workflow_runs (md5(workflow_name), number desc) where panoptes_id is not null;

alter table job_executions
    add column conda_env  text,                            -- where its software comes from
    add column checkpoint boolean not null default false;  -- what follows depends on what it makes
