-- Statement triggers: update the counters, write the change log, send notifications. One notification per transaction,
-- however many rows it changes; the message is the transaction's number.

-- Sends a notification with the transaction's number, by which its changes are found. PostgreSQL sends equal messages
-- of a transaction only once, so there is one notification at the commit, however many statements there were.
--
-- `flowo.quiet`: a writer that sets it sends a notification itself afterwards, one for several transactions with all their numbers.
create or replace function ring() returns void language plpgsql as $$
begin
    if current_setting('flowo.quiet', true) = 'on' then
        return;
    end if;
    perform pg_notify('flowo_changes', pg_current_xact_id()::text);
end
$$;

-- One column for the change log: its name and value, if the value differs from `other`. The planner inlines this
-- function; building both rows as a whole and comparing them took five times as long.
create or replace function fact(name text, value anyelement, other anyelement) returns jsonb language sql stable parallel safe as $$
    select case when value is distinct from other then jsonb_build_object(name, value) else '{}' end
$$;

create or replace function workflow_runs_inserted() returns trigger language plpgsql as $$
begin
    insert into change_notifications (table_name, operation, record_id, workflow_run_id, changed_fields, new_values)
    select 'workflow_runs', 'INSERT', id, id, '{status,workflow_name}',
           jsonb_build_object('workflow_name', workflow_name, 'status', status)
      from newer;
    if found then
        perform ring();
    end if;
    return null;
end
$$;

-- Logs the columns of a run that are worth keeping in its history: not those that are derived or change all the time,
-- and of large columns only the names.
--
-- Nested loops are off: a cached plan made for a statement on one row would compare all rows with all.
create or replace function workflow_runs_updated() returns trigger language plpgsql
set enable_nestloop = off set jit = off as $$
begin
    if current_setting('flowo.counting', true) = 'on' then
        return null;
    end if;
    insert into change_notifications
           (table_name, operation, record_id, workflow_run_id, changed_fields, old_values, new_values)
    select 'workflow_runs', 'UPDATE', d.id, d.run,
           array(select k from jsonb_object_keys(d.after) k order by k) || array_remove(d.large, null), d.before, d.after
      from (select n.id, n.id as run,
                   array[case when o.command_line is distinct from n.command_line then 'command_line' end,
                         case when o.config is distinct from n.config then 'config' end,
                         case when o.errors is distinct from n.errors then 'errors' end,
                         case when o.planned is distinct from n.planned then 'planned' end,
                         case when o.rule_graph is distinct from n.rule_graph then 'rule_graph' end] as large,
                   fact('workflow_name', o.workflow_name, n.workflow_name) || fact('status', o.status, n.status)
                   || fact('tags', o.tags, n.tags) || fact('user_name', o.user_name, n.user_name)
                   || fact('directory', o.directory, n.directory) || fact('host', o.host, n.host) || fact('attempt', o.attempt, n.attempt)
                   || fact('dry_run', o.dry_run, n.dry_run) || fact('jobs_planned', o.jobs_planned, n.jobs_planned)
                   || fact('started_at', o.started_at, n.started_at) || fact('ended_at', o.ended_at, n.ended_at)
                   || fact('deleted_at', o.deleted_at, n.deleted_at) || fact('quarantined', o.quarantined, n.quarantined)
                   || fact('epoch', o.epoch, n.epoch) || fact('owner_id', o.owner_id, n.owner_id)
                   || fact('team_id', o.team_id, n.team_id) || fact('audience', o.audience, n.audience) as before,
                   fact('workflow_name', n.workflow_name, o.workflow_name) || fact('status', n.status, o.status)
                   || fact('tags', n.tags, o.tags) || fact('user_name', n.user_name, o.user_name)
                   || fact('directory', n.directory, o.directory) || fact('host', n.host, o.host) || fact('attempt', n.attempt, o.attempt)
                   || fact('dry_run', n.dry_run, o.dry_run) || fact('jobs_planned', n.jobs_planned, o.jobs_planned)
                   || fact('started_at', n.started_at, o.started_at) || fact('ended_at', n.ended_at, o.ended_at)
                   || fact('deleted_at', n.deleted_at, o.deleted_at) || fact('quarantined', n.quarantined, o.quarantined)
                   || fact('epoch', n.epoch, o.epoch) || fact('owner_id', n.owner_id, o.owner_id)
                   || fact('team_id', n.team_id, o.team_id) || fact('audience', n.audience, o.audience) as after
              from newer n
              join older o using (id)
             where n.revision <> o.revision             -- skip rows that did not change
            offset 0) d;                                 -- as written: builds each object once
    if found then
        perform ring();
    end if;
    return null;
end
$$;

create or replace function workflow_runs_deleted() returns trigger language plpgsql as $$
begin
    insert into change_notifications (table_name, operation, record_id, workflow_run_id, old_values)
    select 'workflow_runs', 'DELETE', id, id, jsonb_build_object('workflow_name', workflow_name, 'status', status)
      from older;
    if found then
        perform ring();
    end if;
    return null;
end
$$;

create or replace trigger workflow_runs_notify_insert after insert on workflow_runs
    referencing new table as newer for each statement execute function workflow_runs_inserted();
create or replace trigger workflow_runs_notify_update after update on workflow_runs
    referencing old table as older new table as newer for each statement execute function workflow_runs_updated();
create or replace trigger workflow_runs_notify_delete after delete on workflow_runs
    referencing old table as older for each statement execute function workflow_runs_deleted();

-- Adds differences to the counters of rules and runs: `ns` is the change in the number of newest attempts for each run,
-- rule and status. The runs must exist. Suspended jobs count as waiting: nothing of them has started. The counters get no
-- lines of their own in the change log: the jobs' lines announce the change.
create or replace function count_jobs(runs uuid[], rules text[], statuses text[], ns bigint[]) returns void language plpgsql as $$
begin
    -- Set here, not by a SET clause of the function: only superusers may put custom settings there.
    perform set_config('flowo.counting', 'on', true);
    with delta as materialized (
        select d.run, d.rule,
               coalesce(sum(d.n) filter (where d.status in ('waiting', 'suspended')), 0) as waiting,
               coalesce(sum(d.n) filter (where d.status = 'running'), 0) as running,
               coalesce(sum(d.n) filter (where d.status = 'success'), 0) as success,
               coalesce(sum(d.n) filter (where d.status = 'failed'), 0) as failed,
               coalesce(sum(d.n) filter (where d.status = 'lost'), 0) as lost,
               coalesce(sum(d.n) filter (where d.status in ('skipped', 'cancelled')), 0) as skipped
          from unnest(runs, rules, statuses, ns) as d(run, rule, status, n)
         group by d.run, d.rule
         order by d.run, d.rule
    ), per_rule as (
        insert into rule_counts as c (workflow_run_id, rule, waiting, running, success, failed, lost, skipped)
        select run, rule, waiting, running, success, failed, lost, skipped from delta
        on conflict (workflow_run_id, rule_key) do update
           set waiting = c.waiting + excluded.waiting,
               running = c.running + excluded.running,
               success = c.success + excluded.success,
               failed  = c.failed  + excluded.failed,
               lost    = c.lost    + excluded.lost,
               skipped = c.skipped + excluded.skipped
    )
    update workflow_runs r
       set jobs_waiting = r.jobs_waiting + t.waiting,
           jobs_running = r.jobs_running + t.running,
           jobs_success = r.jobs_success + t.success,
           jobs_failed  = r.jobs_failed  + t.failed,
           jobs_lost    = r.jobs_lost    + t.lost,
           jobs_skipped = r.jobs_skipped + t.skipped
      from (select run, sum(waiting) as waiting, sum(running) as running, sum(success) as success, sum(failed) as failed,
                   sum(lost) as lost, sum(skipped) as skipped
              from delta
             group by run) t
     where r.id = t.run
       and r.id = any(runs)                                 -- uses the key, whatever the statistics say
       and (t.waiting, t.running, t.success, t.failed, t.lost, t.skipped) <> (0, 0, 0, 0, 0, 0);
    perform set_config('flowo.counting', 'off', true);
end
$$;

-- Counts jobs that began and ended per minute. Concurrent writers use separate rows, so that none waits for another's commit.
create or replace function count_activity(at timestamptz[], what text[]) returns void language plpgsql as $$
begin
    insert into job_activity as a (minute, lane, started, ended, failed)
    select date_trunc('minute', e.at), pg_backend_pid() & 15, count(*) filter (where e.what = 'started'),
           count(*) filter (where e.what in ('ended', 'failed')), count(*) filter (where e.what = 'failed')
      from unnest(count_activity.at, count_activity.what) as e(at, what)
     group by 1
     order by 1
    on conflict (minute, lane) do update
       set started = a.started + excluded.started, ended = a.ended + excluded.ended, failed = a.failed + excluded.failed;
end
$$;

create or replace function job_executions_inserted() returns trigger language plpgsql as $$
begin
    perform count_jobs(array_agg(d.run), array_agg(d.rule), array_agg(d.status), array_agg(d.n)) from (
        select workflow_run_id as run, coalesce(rule, '') as rule, status, count(*) as n
          from newer where not superseded group by 1, 2, 3) d
    having count(*) > 0;
    perform count_activity(array_agg(e.at), array_agg(e.what)) from (
        select started_at as at, 'started' as what from newer where started_at is not null
        union all
        select ended_at, case status when 'failed' then 'failed' else 'ended' end
          from newer where started_at is not null and ended_at is not null) e
    having count(*) > 0;
    insert into change_notifications (table_name, operation, record_id, workflow_run_id, changed_fields, new_values)
    select 'job_executions', 'INSERT', id, workflow_run_id, '{rule,status}', jsonb_build_object('rule', rule, 'status', status)
      from newer;
    if found then
        perform ring();
    end if;
    return null;
end
$$;

create or replace function job_executions_updated() returns trigger language plpgsql
set enable_nestloop = off set jit = off as $$
begin
    perform count_jobs(array_agg(d.run), array_agg(d.rule), array_agg(d.status), array_agg(d.n)) from (
        select f.run, f.rule, f.status, sum(f.n)::bigint as n
          from newer n
          join older o using (id),
               lateral (values (n.workflow_run_id, coalesce(n.rule, ''), n.status, (not n.superseded)::integer),
                               (o.workflow_run_id, coalesce(o.rule, ''), o.status, -(not o.superseded)::integer))
                            as f(run, rule, status, n)
         where n.status <> o.status or n.rule is distinct from o.rule or n.superseded <> o.superseded
         group by 1, 2, 3
        having sum(f.n) <> 0) d
    having count(*) > 0;
    perform count_activity(array_agg(e.at), array_agg(e.what)) from (
        select f.at, f.what
          from newer n
          join older o using (id),
               lateral (values (n.started_at, 'started', o.started_at is null),
                               (n.ended_at, case n.status when 'failed' then 'failed' else 'ended' end,
                                n.started_at is not null and o.ended_at is null)) as f(at, what, is_news)
         where f.is_news and f.at is not null) e
    having count(*) > 0;
    insert into change_notifications
           (table_name, operation, record_id, workflow_run_id, changed_fields, old_values, new_values)
    select 'job_executions', 'UPDATE', d.id, d.run,
           array(select k from jsonb_object_keys(d.after) k order by k) || array_remove(d.large, null), d.before, d.after
      from (select n.id, n.workflow_run_id as run,
                   array[case when o.params is distinct from n.params then 'params' end,
                         case when o.reason is distinct from n.reason then 'reason' end,
                         case when o.resources is distinct from n.resources then 'resources' end,
                         case when o.shell_command is distinct from n.shell_command then 'shell_command' end] as large,
                   fact('rule', o.rule, n.rule) || fact('status', o.status, n.status)
                   || fact('superseded', o.superseded, n.superseded) || fact('wildcards', o.wildcards, n.wildcards)
                   || fact('threads', o.threads, n.threads) || fact('priority', o.priority, n.priority)
                   || fact('message', o.message, n.message)
                   || fact('group_name', o.group_name, n.group_name) || fact('external_id', o.external_id, n.external_id)
                   || fact('host', o.host, n.host) || fact('queued_at', o.queued_at, n.queued_at)
                   || fact('started_at', o.started_at, n.started_at) || fact('ended_at', o.ended_at, n.ended_at)
                   || fact('exit_code', o.exit_code, n.exit_code) || fact('error', o.error, n.error) as before,
                   fact('rule', n.rule, o.rule) || fact('status', n.status, o.status)
                   || fact('superseded', n.superseded, o.superseded) || fact('wildcards', n.wildcards, o.wildcards)
                   || fact('threads', n.threads, o.threads) || fact('priority', n.priority, o.priority)
                   || fact('message', n.message, o.message)
                   || fact('group_name', n.group_name, o.group_name) || fact('external_id', n.external_id, o.external_id)
                   || fact('host', n.host, o.host) || fact('queued_at', n.queued_at, o.queued_at)
                   || fact('started_at', n.started_at, o.started_at) || fact('ended_at', n.ended_at, o.ended_at)
                   || fact('exit_code', n.exit_code, o.exit_code) || fact('error', n.error, o.error) as after
              from newer n
              join older o using (id)
             where n.revision <> o.revision             -- skip rows that did not change
            offset 0) d;                                 -- as written: builds each object once
    if found then
        perform ring();
    end if;
    return null;
end
$$;

create or replace function job_executions_deleted() returns trigger language plpgsql as $$
begin
    -- When a run is deleted, its counters are deleted with it.
    perform count_jobs(array_agg(d.run), array_agg(d.rule), array_agg(d.status), array_agg(d.n)) from (
        select workflow_run_id as run, coalesce(rule, '') as rule, status, -count(*) as n
          from older
         where not superseded and exists (select from workflow_runs r where r.id = older.workflow_run_id)
         group by 1, 2, 3) d
    having count(*) > 0;
    -- When a run is deleted, its jobs are deleted with it; the run's own line is enough.
    insert into change_notifications (table_name, operation, record_id, workflow_run_id, old_values)
    select 'job_executions', 'DELETE', id, workflow_run_id, jsonb_build_object('rule', rule, 'status', status)
      from older
     where exists (select from workflow_runs r where r.id = older.workflow_run_id);
    if found then
        perform ring();
    end if;
    return null;
end
$$;

create or replace trigger job_executions_notify_insert after insert on job_executions
    referencing new table as newer for each statement execute function job_executions_inserted();
create or replace trigger job_executions_notify_update after update on job_executions
    referencing old table as older new table as newer for each statement execute function job_executions_updated();
create or replace trigger job_executions_notify_delete after delete on job_executions
    referencing old table as older for each statement execute function job_executions_deleted();

-- Logs messages, one line each: the level, the start of the text and, if that is not all of it, the number of letters
-- of the whole. The whole text is in the row.
create or replace function log_entries_inserted() returns trigger language plpgsql as $$
begin
    insert into change_notifications (table_name, operation, record_id, workflow_run_id, changed_fields, new_values)
    select 'log_entries', 'INSERT', id, workflow_run_id, '{level,message}',
           jsonb_build_object('level', level, 'message', left(message, 200))
           || case when char_length(message) > 200 then jsonb_build_object('letters', char_length(message)) else '{}' end
      from newer;
    if found then
        perform ring();
    end if;
    return null;
end
$$;

create or replace function log_entries_updated() returns trigger language plpgsql
set enable_nestloop = off set jit = off as $$
begin
    insert into change_notifications
           (table_name, operation, record_id, workflow_run_id, changed_fields, old_values, new_values)
    select 'log_entries', 'UPDATE', d.id, d.run, array(select k from jsonb_object_keys(d.after) k order by k), d.before, d.after
      from (select n.id, n.workflow_run_id as run,
                   fact('level', o.level, n.level) || fact('message', left(o.message, 200), left(n.message, 200)) as before,
                   fact('level', n.level, o.level) || fact('message', left(n.message, 200), left(o.message, 200)) as after
              from newer n
              join older o using (id)
            offset 0) d
     where d.after <> '{}';
    if found then
        perform ring();
    end if;
    return null;
end
$$;

create or replace function log_entries_deleted() returns trigger language plpgsql as $$
begin
    -- When a run is deleted, its messages are deleted with it; the run's own line is enough.
    insert into change_notifications (table_name, operation, record_id, workflow_run_id, changed_fields, old_values)
    select 'log_entries', 'DELETE', id, workflow_run_id, '{level,message}',
           jsonb_build_object('level', level, 'message', left(message, 200))
           || case when char_length(message) > 200 then jsonb_build_object('letters', char_length(message)) else '{}' end
      from older
     where workflow_run_id is null
        or exists (select from workflow_runs r where r.id = older.workflow_run_id and r.deleted_at is null);
    if found then
        perform ring();
    end if;
    return null;
end
$$;

create or replace trigger log_entries_notify_insert after insert on log_entries
    referencing new table as newer for each statement execute function log_entries_inserted();
create or replace trigger log_entries_notify_update after update on log_entries
    referencing old table as older new table as newer for each statement execute function log_entries_updated();
create or replace trigger log_entries_notify_delete after delete on log_entries
    referencing old table as older for each statement execute function log_entries_deleted();

-- Records who acts in this transaction, for the history. Always returns true, so that it can be used in a condition.
create or replace function acting(person bigint) returns boolean language plpgsql as $$
begin
    perform set_config('flowo.actor', coalesce((select 'user ' || u.name from users u where u.id = person), ''), true);
    return true;
end
$$;

-- The history since a moment, for people at a prompt. Without just-in-time compilation: the estimated cost of the index
-- grows with the number of days, and compiling took 30 ms.
create or replace function get_recent_changes(since timestamp) returns setof change_notifications language sql stable
set jit = off as $$
    select * from change_notifications where "timestamp" >= since::timestamptz order by "timestamp", id
$$;

-- Created by earlier versions of this script; nothing above calls them any more.
drop function if exists ring(bigint, bigint);
drop function if exists changed(jsonb, jsonb);
drop function if exists run_facts(workflow_runs);
drop function if exists job_facts(job_executions);
drop function if exists count_jobs(jsonb);
