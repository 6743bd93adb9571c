-- What the log of a run tells besides its reports: versions, cores and the like.
alter table workflow_runs add column environment jsonb;

-- Runs whose logs were read to the end.
create table run_logs (
    workflow_run_id uuid primary key references workflow_runs on delete cascade,
    read_at         timestamptz not null default now()
);
insert into run_logs (workflow_run_id) select id from workflow_runs where ended_at is not null;
