-- Statement triggers: keep the counters, write the change log, ring the doorbell.
-- One message per statement, however many rows; the message is a range of change ids.

-- Rings for the changes of one statement. Nothing changed, nothing rings.
create or replace function ring(first_id bigint, last_id bigint) returns void language plpgsql as $$
begin
    if first_id is not null then
        perform pg_notify('flowo_changes', first_id || '-' || last_id);
    end if;
end
$$;

-- Which fields differ between two forms of a row, and their values before and after.
create or replace function changed(older jsonb, newer jsonb, out fields text[], out before jsonb, out after jsonb)
language sql immutable parallel safe as $$
    select array_agg(n.key order by n.key), jsonb_object_agg(n.key, o.value), jsonb_object_agg(n.key, n.value)
      from jsonb_each(newer) n
      join jsonb_each(older) o on o.key = n.key
     where n.value is distinct from o.value
$$;

-- The columns of a run worth keeping in its history: not the large, derived or restless ones.
create or replace function run_facts(run workflow_runs) returns jsonb language sql stable parallel safe as $$
    select jsonb_build_object(
        'workflow_name', run.workflow_name, 'status', run.status, 'tags', run.tags, 'user_name', run.user_name,
        'directory', run.directory, 'attempt', run.attempt, 'dry_run', run.dry_run, 'jobs_planned', run.jobs_planned,
        'jobs_waiting', run.jobs_waiting, 'jobs_running', run.jobs_running, 'jobs_success', run.jobs_success,
        'jobs_failed', run.jobs_failed, 'jobs_lost', run.jobs_lost, 'jobs_skipped', run.jobs_skipped,
        'started_at', run.started_at, 'ended_at', run.ended_at, 'deleted_at', run.deleted_at, 'quarantined', run.quarantined)
$$;

create or replace function job_facts(job job_executions) returns jsonb language sql stable parallel safe as $$
    select jsonb_build_object(
        'rule', job.rule, 'status', job.status, 'superseded', job.superseded, 'wildcards', job.wildcards, 'threads', job.threads,
        'message', job.message, 'group_name', job.group_name, 'external_id', job.external_id, 'host', job.host,
        'queued_at', job.queued_at, 'started_at', job.started_at, 'ended_at', job.ended_at,
        'exit_code', job.exit_code, 'error', job.error)
$$;

create or replace function workflow_runs_inserted() returns trigger language plpgsql as $$
declare
    first_id bigint;
    last_id  bigint;
begin
    with logged as (
        insert into change_notifications (table_name, operation, record_id, workflow_run_id, new_values)
        select 'workflow_runs', 'INSERT', id, id, jsonb_build_object('workflow_name', workflow_name, 'status', status)
          from newer
        returning id
    )
    select min(id), max(id) into first_id, last_id from logged;
    perform ring(first_id, last_id);
    return null;
end
$$;

create or replace function workflow_runs_updated() returns trigger language plpgsql as $$
declare
    first_id bigint;
    last_id  bigint;
begin
    with logged as (
        insert into change_notifications
               (table_name, operation, record_id, workflow_run_id, changed_fields, old_values, new_values)
        select 'workflow_runs', 'UPDATE', newer.id, newer.id, d.fields, d.before, d.after
          from newer
          join older using (id),
               lateral changed(run_facts(older), run_facts(newer)) d
         where newer.revision <> older.revision             -- untouched rows stay silent
        returning id
    )
    select min(id), max(id) into first_id, last_id from logged;
    perform ring(first_id, last_id);
    return null;
end
$$;

create or replace function workflow_runs_deleted() returns trigger language plpgsql as $$
declare
    first_id bigint;
    last_id  bigint;
begin
    with logged as (
        insert into change_notifications (table_name, operation, record_id, workflow_run_id, old_values)
        select 'workflow_runs', 'DELETE', id, id, jsonb_build_object('workflow_name', workflow_name, 'status', status)
          from older
        returning id
    )
    select min(id), max(id) into first_id, last_id from logged;
    perform ring(first_id, last_id);
    return null;
end
$$;

create or replace trigger workflow_runs_notify_insert after insert on workflow_runs
    referencing new table as newer for each statement execute function workflow_runs_inserted();
create or replace trigger workflow_runs_notify_update after update on workflow_runs
    referencing old table as older new table as newer for each statement execute function workflow_runs_updated();
create or replace trigger workflow_runs_notify_delete after delete on workflow_runs
    referencing old table as older for each statement execute function workflow_runs_deleted();

-- Adds differences to the counters of rules and runs.
-- `delta` rows: {run, rule, status, n}; only newest attempts count.
create or replace function count_jobs(delta jsonb) returns void language plpgsql as $$
begin
    if delta is null then
        return;
    end if;
    insert into rule_counts as c (workflow_run_id, rule, waiting, running, success, failed, lost, skipped)
    select d.run, d.rule,
           coalesce(sum(d.n) filter (where d.status = 'waiting'), 0),
           coalesce(sum(d.n) filter (where d.status = 'running'), 0),
           coalesce(sum(d.n) filter (where d.status = 'success'), 0),
           coalesce(sum(d.n) filter (where d.status = 'failed'), 0),
           coalesce(sum(d.n) filter (where d.status = 'lost'), 0),
           coalesce(sum(d.n) filter (where d.status in ('skipped', 'cancelled')), 0)
      from jsonb_to_recordset(delta) as d(run uuid, rule text, status text, n integer)
     where exists (select from workflow_runs r where r.id = d.run)   -- a deleted run takes its counters along
     group by d.run, d.rule
     order by d.run, d.rule
    on conflict (workflow_run_id, rule_key) do update
       set waiting = c.waiting + excluded.waiting,
           running = c.running + excluded.running,
           success = c.success + excluded.success,
           failed  = c.failed  + excluded.failed,
           lost    = c.lost    + excluded.lost,
           skipped = c.skipped + excluded.skipped;

    update workflow_runs r
       set jobs_waiting = r.jobs_waiting + t.waiting,
           jobs_running = r.jobs_running + t.running,
           jobs_success = r.jobs_success + t.success,
           jobs_failed  = r.jobs_failed  + t.failed,
           jobs_lost    = r.jobs_lost    + t.lost,
           jobs_skipped = r.jobs_skipped + t.skipped
      from (select d.run,
                   coalesce(sum(d.n) filter (where d.status = 'waiting'), 0) as waiting,
                   coalesce(sum(d.n) filter (where d.status = 'running'), 0) as running,
                   coalesce(sum(d.n) filter (where d.status = 'success'), 0) as success,
                   coalesce(sum(d.n) filter (where d.status = 'failed'), 0) as failed,
                   coalesce(sum(d.n) filter (where d.status = 'lost'), 0) as lost,
                   coalesce(sum(d.n) filter (where d.status in ('skipped', 'cancelled')), 0) as skipped
              from jsonb_to_recordset(delta) as d(run uuid, rule text, status text, n integer)
             group by d.run) t
     where r.id = t.run
       and r.id = any(array(select (e ->> 'run')::uuid from jsonb_array_elements(delta) e));   -- by key, whatever the statistics say
end
$$;

-- Adds to the jobs begun and ended per minute.
create or replace function count_activity(at timestamptz[], what text[]) returns void language sql as $$
    insert into job_activity as a (minute, started, ended, failed)
    select date_trunc('minute', e.at), count(*) filter (where e.what = 'started'),
           count(*) filter (where e.what in ('ended', 'failed')), count(*) filter (where e.what = 'failed')
      from unnest(at, what) as e(at, what)
     group by 1
     order by 1
    on conflict (minute) do update
       set started = a.started + excluded.started, ended = a.ended + excluded.ended, failed = a.failed + excluded.failed
$$;

create or replace function job_executions_inserted() returns trigger language plpgsql as $$
declare
    first_id bigint;
    last_id  bigint;
begin
    perform count_jobs((
        select jsonb_agg(d) from (
            select workflow_run_id as run, coalesce(rule, '') as rule, status, count(*) as n
              from newer where not superseded group by 1, 2, 3) d));
    perform count_activity(array_agg(e.at), array_agg(e.what)) from (
        select started_at as at, 'started' as what from newer where started_at is not null
        union all
        select ended_at, case status when 'failed' then 'failed' else 'ended' end
          from newer where started_at is not null and ended_at is not null) e
    having count(*) > 0;
    with logged as (
        insert into change_notifications (table_name, operation, record_id, workflow_run_id, new_values)
        select 'job_executions', 'INSERT', id, workflow_run_id, jsonb_build_object('rule', rule, 'status', status)
          from newer
        returning id
    )
    select min(id), max(id) into first_id, last_id from logged;
    perform ring(first_id, last_id);
    return null;
end
$$;

create or replace function job_executions_updated() returns trigger language plpgsql as $$
declare
    first_id bigint;
    last_id  bigint;
begin
    perform count_jobs((
        select jsonb_agg(d) from (
            select run, rule, status, sum(n) as n from (
                select workflow_run_id as run, coalesce(rule, '') as rule, status, 1 as n from newer where not superseded
                union all
                select workflow_run_id, coalesce(rule, ''), status, -1 from older where not superseded) both_forms
             group by 1, 2, 3 having sum(n) <> 0) d));
    perform count_activity(array_agg(e.at), array_agg(e.what)) from (
        select newer.started_at as at, 'started' as what
          from newer join older using (id) where newer.started_at is not null and older.started_at is null
        union all
        select newer.ended_at, case newer.status when 'failed' then 'failed' else 'ended' end
          from newer join older using (id)
         where newer.started_at is not null and newer.ended_at is not null and older.ended_at is null) e
    having count(*) > 0;
    with logged as (
        insert into change_notifications
               (table_name, operation, record_id, workflow_run_id, changed_fields, old_values, new_values)
        select 'job_executions', 'UPDATE', newer.id, newer.workflow_run_id, d.fields, d.before, d.after
          from newer
          join older using (id),
               lateral changed(job_facts(older), job_facts(newer)) d
         where newer.revision <> older.revision
        returning id
    )
    select min(id), max(id) into first_id, last_id from logged;
    perform ring(first_id, last_id);
    return null;
end
$$;

create or replace function job_executions_deleted() returns trigger language plpgsql as $$
declare
    first_id bigint;
    last_id  bigint;
begin
    perform count_jobs((
        select jsonb_agg(d) from (
            select workflow_run_id as run, coalesce(rule, '') as rule, status, -count(*) as n
              from older where not superseded group by 1, 2, 3) d));
    -- A run that goes takes its jobs along; one line about it is enough.
    with logged as (
        insert into change_notifications (table_name, operation, record_id, workflow_run_id, old_values)
        select 'job_executions', 'DELETE', id, workflow_run_id, jsonb_build_object('rule', rule, 'status', status)
          from older
         where exists (select from workflow_runs r where r.id = older.workflow_run_id)
        returning id
    )
    select min(id), max(id) into first_id, last_id from logged;
    perform ring(first_id, last_id);
    return null;
end
$$;

create or replace trigger job_executions_notify_insert after insert on job_executions
    referencing new table as newer for each statement execute function job_executions_inserted();
create or replace trigger job_executions_notify_update after update on job_executions
    referencing old table as older new table as newer for each statement execute function job_executions_updated();
create or replace trigger job_executions_notify_delete after delete on job_executions
    referencing old table as older for each statement execute function job_executions_deleted();

-- The history since a moment, for people at a prompt.
create or replace function get_recent_changes(since timestamp) returns setof change_notifications language sql stable as $$
    select * from change_notifications where "timestamp" >= since::timestamptz order by "timestamp", id
$$;
