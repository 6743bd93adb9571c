-- What runs: executions of workflows, their rules, jobs and files.

create extension if not exists pg_trgm;

-- A UUID that sorts by time (version 7), for rows whose client names none.
create function uuid_v7() returns uuid language sql volatile parallel safe as $$
    select encode(
        set_byte(
            overlay(uuid_send(gen_random_uuid())
                    placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
                    from 1 for 6),
            6, (get_byte(uuid_send(gen_random_uuid()), 6) & 15) | 112),
        'hex')::uuid
$$;

create table workflow_runs (
    id               uuid primary key default uuid_v7(),
    number           bigint generated always as identity,  -- the small id some clients need
    workflow_name    text not null default '',
    status           text not null default 'running',
    source           text not null default 'sql',          -- which client protocol reported it
    client_version   text,
    user_id          bigint references users on delete set null,
    user_name        text not null default '',
    directory        text,
    snakefile        text,
    command_line     text,
    host             text,
    tags             text[] not null default '{}',
    config           jsonb,
    config_files     text[] not null default '{}',
    catalog_slug     text,
    logfile          text,                                  -- unique per process of a Flowo client
    fingerprint      text,                                  -- equal for attempts of one thing
    lineage_id       uuid,                                  -- the first attempt's id
    attempt          integer not null default 1,
    dry_run          boolean not null default false,
    rule_graph       jsonb,
    planned          jsonb,                                 -- jobs planned per rule
    errors           jsonb not null default '[]',           -- as reported, oldest first, bounded
    quarantined      integer not null default 0,            -- reports that could not be applied
    created_at       timestamptz not null default now(),
    started_at       timestamptz default now(),
    ended_at         timestamptz,
    sort_at          timestamptz not null default now(),    -- start, or creation before it; kept by trigger
    last_seen_at     timestamptz not null default now(),
    heartbeats       boolean not null default false,        -- the client sends heartbeats
    closed_by_client boolean not null default false,
    last_was_error   boolean not null default false,        -- the newest report is an error
    jobs_planned     integer,
    jobs_waiting     integer not null default 0,            -- newest attempts only, kept by trigger
    jobs_running     integer not null default 0,
    jobs_success     integer not null default 0,
    jobs_failed      integer not null default 0,
    jobs_lost        integer not null default 0,
    jobs_skipped     integer not null default 0,            -- skipped and cancelled
    deleted_at       timestamptz,                           -- hidden now, gone for good soon
    search           text not null default '',              -- lower case, kept by trigger
    revision         bigint not null default 1,             -- grows with every visible change
    constraint workflow_runs_number_unique unique (number),
    constraint workflow_runs_status_known check (status in
        ('waiting', 'running', 'success', 'failed', 'lost', 'cancelled', 'suspended', 'skipped')),
    constraint workflow_runs_end_with_status check
        ((status in ('success', 'failed', 'lost', 'cancelled', 'skipped')) = (ended_at is not null)),
    constraint workflow_runs_attempt_positive check (attempt >= 1)
);
-- The runs page: newest first, and all its pages after the first.
create index workflow_runs_started on workflow_runs (sort_at desc, id desc) where deleted_at is null;
-- The runs page, filtered by status, and the status tiles.
create index workflow_runs_status on workflow_runs (status, sort_at desc, id desc) where deleted_at is null;
-- The runs page, one user's.
create index workflow_runs_user on workflow_runs (user_name, sort_at desc, id desc) where deleted_at is null;
-- tag:x
create index workflow_runs_tags on workflow_runs using gin (tags);
-- Free text, name: and dir:
create index workflow_runs_search on workflow_runs using gin (search gin_trgm_ops);
-- A Flowo client whose start was lost is recognised by its log file.
create index workflow_runs_logfile on workflow_runs (user_id, logfile) where logfile is not null;
-- The attempt before a new one.
create index workflow_runs_fingerprint on workflow_runs (user_id, fingerprint, number desc) where fingerprint is not null;
-- The attempts of one thing.
create index workflow_runs_lineage on workflow_runs (lineage_id, attempt) where lineage_id is not null;
-- The liveness sweep looks at open runs only.
create index workflow_runs_open on workflow_runs (last_seen_at) where status = 'running';
-- The purge of deleted runs.
create index workflow_runs_deleted on workflow_runs (deleted_at) where deleted_at is not null;

-- Ids of deleted runs, so that late reports do not bring them back.
create table deleted_runs (
    id         uuid primary key,
    deleted_at timestamptz not null default now()
);

create table rules (
    workflow_run_id uuid not null references workflow_runs on delete cascade,
    name            text not null,
    code            text,
    language        text,
    position        integer not null default 0,             -- order in which the client lists them
    name_key        uuid generated always as (md5(name)::uuid) stored,  -- names may exceed an index entry
    primary key (workflow_run_id, name_key)
);

create table rule_counts (
    workflow_run_id uuid not null references workflow_runs on delete cascade,
    rule            text not null,                          -- '' until a job's rule is known
    waiting         integer not null default 0,
    running         integer not null default 0,
    success         integer not null default 0,
    failed          integer not null default 0,
    lost            integer not null default 0,
    skipped         integer not null default 0,
    rule_key        uuid generated always as (md5(rule)::uuid) stored,
    primary key (workflow_run_id, rule_key)
);
-- rule:x on the runs page.
create index rule_counts_rule on rule_counts (rule_key);

create table job_executions (
    id              bigint generated always as identity primary key,
    workflow_run_id uuid not null references workflow_runs on delete cascade,
    job_id          bigint,                                 -- the client's number
    attempt         integer not null default 1,
    superseded      boolean not null default false,         -- a newer attempt exists
    rule            text,                                   -- null until told
    status          text not null default 'waiting',
    informed        boolean not null default false,         -- its description has arrived
    wildcards       jsonb,
    params          jsonb,
    resources       jsonb,
    threads         integer,
    priority        integer,
    reason          text,
    message         text,
    shell_command   text,
    group_name      text,
    external_id     text,
    host            text,
    queued_at       timestamptz,
    started_at      timestamptz,
    ended_at        timestamptz,
    exit_code       integer,
    error           text,
    revision        bigint not null default 1,
    constraint job_executions_attempt_unique unique (workflow_run_id, job_id, attempt),
    constraint job_executions_status_known check (status in
        ('waiting', 'running', 'success', 'failed', 'lost', 'cancelled', 'skipped')),
    constraint job_executions_end_with_status check
        ((status in ('success', 'failed', 'lost', 'cancelled', 'skipped')) = (ended_at is not null)),
    constraint job_executions_end_after_start check (ended_at is null or started_at is null or started_at <= ended_at)
);
-- The newest attempt of a job: what every report looks up.
create unique index job_executions_newest on job_executions (workflow_run_id, job_id) where not superseded;
-- The jobs of a run, newest first, page by page.
create index job_executions_run on job_executions (workflow_run_id, id desc);
-- ... of one status.
create index job_executions_run_status on job_executions (workflow_run_id, status, id desc);

-- Every path once per run: ten files a job mostly name each other's.
create table paths (
    id              bigint generated always as identity primary key,
    workflow_run_id uuid not null references workflow_runs on delete cascade,
    path            text not null,
    path_key        uuid generated always as (md5(path)::uuid) stored,  -- paths may exceed an index entry
    constraint paths_once unique (workflow_run_id, path_key)
);

create table job_files (
    job_execution_id bigint not null references job_executions on delete cascade,
    path_id          bigint not null references paths on delete cascade,
    role             text not null,
    position         integer not null,
    primary key (job_execution_id, role, position),
    constraint job_files_role_known check (role in ('input', 'output', 'log', 'benchmark'))
);
-- Who made a file, who uses it; also the cascade from paths.
create index job_files_path on job_files (path_id);

-- Jobs begun and ended per minute: the activity strip reads sixty sums, never jobs.
create table job_activity (
    minute  timestamptz primary key,
    started bigint not null default 0,
    ended   bigint not null default 0,                      -- of those that had started
    failed  bigint not null default 0
);
