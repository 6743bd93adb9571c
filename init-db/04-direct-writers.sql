-- Early Flowo plugins (0.1.0 to 0.1.10) write SQL themselves, to five tables. These views have the form of those
-- tables. Triggers translate whatever is written through the views into the tables of runs and jobs; they are the adapter.
--
-- A writer is a role that sees only this schema; flowo_sql.allow('role') sets it up. The functions run with the rights
-- of their owner, so they qualify every name and fix all settings that a session could change. A client's statement
-- never fails because of its values: a value that does not fit is adjusted or left out.

create schema if not exists flowo_sql;

do $$
begin
    if to_regtype('flowo_sql.status') is null then
        create type flowo_sql.status as enum ('RUNNING', 'SUCCESS', 'ERROR', 'WAITING', 'UNKNOWN');
    end if;
    if to_regtype('flowo_sql.filetype') is null then
        create type flowo_sql.filetype as enum ('INPUT', 'OUTPUT', 'LOG', 'BENCHMARK');
    end if;
end
$$;

-- The views. They show only the runs of these clients: rows written by other programs have no client version. Each view
-- is a security barrier: a reader's function must not see the rows that the view leaves out.

create or replace view flowo_sql.workflows with (security_barrier) as
select r.id, r.snakefile, r.started_at, r.ended_at as end_time,
       case r.status when 'running' then 'RUNNING' when 'success' then 'SUCCESS' when 'failed' then 'ERROR'
                     when 'waiting' then 'WAITING' when 'suspended' then 'WAITING' else 'UNKNOWN' end::flowo_sql.status as status,
       r.command_line, r.dry_run as dryrun, r.rule_graph::json as rulegraph_data, r.logfile, nullif(r.user_name, '') as "user",
       r.tags, nullif(r.workflow_name, '') as name, r.config_files as configfiles, r.directory, r.config::json as config,
       null::text as flowo_working_path,
       (r.planned || jsonb_build_object('total', r.jobs_planned))::json as run_info
  from public.workflow_runs r
 where r.source = 'sql' and r.client_version is not null;

-- Rules have no number of their own: the view shows the rule's position in its run, which is all that a client compares.
create or replace view flowo_sql.rules with (security_barrier) as
select u.position as id, u.name, u.workflow_run_id as workflow_id, u.code, u.language
  from public.rules u
  join public.workflow_runs r on r.id = u.workflow_run_id
 where r.source = 'sql' and r.client_version is not null;

create or replace view flowo_sql.jobs with (security_barrier) as
select j.id, j.job_id as snakemake_id, j.workflow_run_id as workflow_id,
       (select u.position from public.rules u
         where u.workflow_run_id = j.workflow_run_id and u.name_key = md5(j.rule)::uuid) as rule_id,
       j.message, j.wildcards::json as wildcards, j.reason, j.resources::json as resources, j.shell_command as shellcmd,
       j.threads::bigint as threads, j.priority::bigint as priority,
       case j.status when 'running' then 'RUNNING' when 'success' then 'SUCCESS' when 'failed' then 'ERROR'
                     when 'waiting' then 'WAITING' when 'suspended' then 'WAITING' else 'UNKNOWN' end::flowo_sql.status as status,
       j.started_at, j.ended_at as end_time,
       case when j.group_name ~ '^[0-9]{1,18}$' then j.group_name::bigint end as group_id
  from public.job_executions j
  join public.workflow_runs r on r.id = j.workflow_run_id
 where r.source = 'sql' and r.client_version is not null;

create or replace view flowo_sql.errors with (security_barrier) as
select e.nth as id, timestamptz 'epoch' + (e.error ->> 'at')::bigint * interval '1 millisecond' as "timestamp",
       e.error ->> 'exception' as exception, e.error ->> 'location' as location, e.error ->> 'traceback' as traceback,
       null::text as file, null::text as line,
       (select u.position from public.rules u
         where u.workflow_run_id = r.id and u.name_key = md5(e.error ->> 'rule')::uuid) as rule_id,
       r.id as workflow_id
  from public.workflow_runs r
 cross join lateral jsonb_array_elements(r.errors) with ordinality as e(error, nth)
 where r.source = 'sql' and r.client_version is not null;

-- The number of a file combines its job, its role and its position: it grows in the order in which a job lists its files.
create or replace view flowo_sql.files with (security_barrier) as
select f.job_execution_id * 67108864 + array_position(array['input', 'output', 'log', 'benchmark'], f.role) * 16777216
           - 16777216 + least(f.position, 16777215) as id,
       p.path, upper(f.role)::flowo_sql.filetype as file_type, f.job_execution_id as job_id
  from public.job_files f
  join public.paths p on p.id = f.path_id
  join public.workflow_runs r on r.id = p.workflow_run_id
 where r.source = 'sql' and r.client_version is not null;

-- Words and values

create or replace function flowo_sql.word(told flowo_sql.status) returns text language sql immutable parallel safe as $$
    select case told::text when 'RUNNING' then 'running' when 'SUCCESS' then 'success' when 'ERROR' then 'failed'
                           when 'WAITING' then 'waiting' when 'UNKNOWN' then 'lost' end
$$;

create or replace function flowo_sql.cut(told text, length integer) returns text language sql immutable parallel safe as $$
    select case when char_length(told) > length then left(told, length) || '…' else told end
$$;

create or replace function flowo_sql.fit(told bigint) returns integer language sql immutable parallel safe as $$
    select case when told is not null then least(greatest(told, -2147483648), 2147483647)::integer end
$$;

-- A time as the client meant it. These clients write wall clock time without a zone, at the moment something happens.
-- So a difference from now that a time zone can explain is taken for one, and the time counts as now. A time that no
-- correct clock can show also counts as now.
create or replace function flowo_sql.moment(told timestamptz) returns timestamptz language sql stable parallel safe as $$
    select case
        when told is null or told < '1990-01-01' or told >= public.flowo_now() + interval '15 hours' then public.flowo_now()
        when told between public.flowo_now() - interval '5 minutes' and public.flowo_now() + interval '5 minutes' then told
        when told > public.flowo_now() - interval '15 hours' then public.flowo_now()
        else told
    end
$$;

-- A JSON document; JSON null becomes SQL null. Replaces what PostgreSQL cannot store: U+0000 and unpaired surrogates.
create or replace function flowo_sql.document(told json) returns jsonb language plpgsql immutable parallel safe as $$
begin
    return nullif(told::jsonb, 'null');
exception when others then
    begin
        return regexp_replace(told::text, $re$(?<!\\)((?:\\\\)*)\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})$re$,
                              $re$\1\\ufffd$re$, 'g')::jsonb;
    exception when others then
        return null;                                        -- for example, a number that is out of range
    end;
end
$$;

create or replace function flowo_sql.rule_name(run uuid, rule_id bigint) returns text language sql stable as $$
    select u.name from public.rules u where u.workflow_run_id = run and u.position = rule_id limit 1
$$;

-- Changes are announced, and recorded under the role's name and at the true time, whatever the session has set. Only a
-- session that may act as the owner of the tables, such as a test's, may shift the clock.
create or replace function flowo_sql.announced() returns void language plpgsql as $$
begin
    if current_setting('flowo.clock_shift', true) <> '' and not pg_has_role(session_user, current_user, 'member') then
        perform set_config('flowo.clock_shift', '', true);
    end if;
    if current_setting('flowo.counting', true) = 'on' then
        perform set_config('flowo.counting', 'off', true);
    end if;
    if current_setting('flowo.actor', true) is distinct from 'role ' || session_user then
        perform set_config('flowo.actor', 'role ' || session_user, true);
    end if;
end
$$;

-- Runs

-- Locks the run that is written about, and creates it if it is unknown. Returns null if the run was deleted or does not
-- belong to these clients. Also records that the client is alive. `is_error` says whether it reported an error now;
-- null leaves that unchanged.
create or replace function flowo_sql.hold(run uuid, is_error boolean) returns uuid language plpgsql as $$
declare
    held record;
begin
    perform flowo_sql.announced();
    for attempt in 1..2 loop
        select r.source = 'sql' and r.client_version is not null as ours, r.status, r.closed_by_client as closed,
               r.last_was_error, r.last_seen_at
          into held
          from public.workflow_runs r
         where r.id = run
           for no key update;
        exit when found or run is null or exists (select from public.deleted_runs d where d.id = run);
        insert into public.workflow_runs (id, source, client_version) values (run, 'sql', 'flowo 0.1')
        on conflict (id) do nothing;
    end loop;
    if held.ours is not true then
        return null;
    end if;
    if held.last_seen_at < public.flowo_now() - interval '1 second'
       or not held.closed and (held.status in ('lost', 'waiting') or held.last_was_error <> is_error) then
        update public.workflow_runs r
           set last_seen_at = greatest(r.last_seen_at, public.flowo_now()),
               status = case when not r.closed_by_client and r.status in ('lost', 'waiting') then 'running' else r.status end,
               last_was_error = case when r.closed_by_client then r.last_was_error else coalesce(is_error, r.last_was_error) end
         where r.id = run;
    end if;
    return run;
end
$$;

-- Ends a run. It failed if the last report was an error or if a job's newest attempt failed, whatever status the client
-- sends, because the client also counts attempts that were retried. No report will say how the open jobs ended.
create or replace function flowo_sql.close(run uuid, at timestamptz) returns void language plpgsql as $$
declare
    dry boolean;
begin
    update public.workflow_runs r
       set status = case when r.last_was_error or r.jobs_failed > 0 then 'failed' else 'success' end,
           ended_at = greatest(at, r.started_at), closed_by_client = true
     where r.id = run and not public.status_is_end(r.status)
    returning r.dry_run into dry;
    if not dry then                                         -- planned jobs stay as they are
        update public.job_executions j
           set status = 'lost', ended_at = greatest(at, j.started_at)
         where j.workflow_run_id = run and j.status in ('waiting', 'suspended', 'running') and not j.superseded;
    end if;
end
$$;

create or replace function flowo_sql.workflows_insert() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp set jit = off set enable_seqscan = off as $$
declare
    new_status text := coalesce(flowo_sql.word(new.status), 'running');
    reporter   text := coalesce(left(trim(new."user"), 200), '');
    place      text := nullif(rtrim(new.directory, '/'), '');
    tag_list   text[];
    owner      bigint;
    print      text;
    before     record;
begin
    perform flowo_sql.announced();
    new.id := coalesce(new.id, public.uuid_v7());
    if exists (select from public.deleted_runs d where d.id = new.id) then
        return new;
    end if;
    -- The account with that name or email address, if there is exactly one.
    select min(u.id) into owner
      from public.users u
     where reporter <> '' and (u.name = reporter or lower(u.email) = lower(reporter))
    having count(*) = 1;
    select array_agg(t.tag order by t.nth) into tag_list
      from (select flowo_sql.cut(trim(x.tag), 200) as tag, min(x.nth) as nth
              from unnest(new.tags) with ordinality as x(tag, nth)
             where trim(x.tag) <> ''
             group by 1 order by 2 limit 100) t;
    -- Equal for attempts of the same thing, and computed the same way as for clients that report over HTTP.
    if place is not null and new.dryrun is not true then
        print := encode(sha256(convert_to('[' || to_json(place) || ',' || coalesce(to_json(new.snakefile)::text, 'null')
                                          || ',null,null]', 'UTF8')), 'hex');
    end if;
    select p.lineage_id, p.attempt + 1 as attempt, p.status in ('failed', 'lost') as retried
      into before
      from public.workflow_runs p
     where p.id <> new.id
       and (p.user_id = owner and p.fingerprint = print or p.user_id is null and owner is null and p.fingerprint = print)
     order by p.number desc
     limit 1;                                               -- only the newest counts: a success ends a lineage
    if before.retried is not true then
        before.lineage_id := null;
        before.attempt := null;
    end if;
    insert into public.workflow_runs as r
           (id, source, client_version, status, started_at, ended_at, closed_by_client, user_id, user_name, workflow_name, tags,
            directory, snakefile, command_line, config, config_files, logfile, dry_run, fingerprint, lineage_id, attempt,
            rule_graph)
    values (new.id, 'sql', 'flowo 0.1', new_status, flowo_sql.moment(new.started_at),
            case when public.status_is_end(new_status)
                 then greatest(flowo_sql.moment(new.end_time), flowo_sql.moment(new.started_at)) end,
            public.status_is_end(new_status) and new_status <> 'lost', owner, reporter, coalesce(flowo_sql.cut(trim(new.name), 1000), ''),
            coalesce(tag_list, '{}'), new.directory, new.snakefile, new.command_line, flowo_sql.document(new.config),
            coalesce(array_remove(new.configfiles, null), '{}'),
            case when octet_length(new.logfile) <= 2000 then new.logfile end,       -- longer values fit no index
            coalesce(new.dryrun, false), print, coalesce(before.lineage_id, new.id), coalesce(before.attempt, 1),
            flowo_sql.document(new.rulegraph_data))
    on conflict (id) do update                              -- reported twice, or after a report of one of its jobs
       set last_seen_at = greatest(r.last_seen_at, public.flowo_now()),
           user_id = coalesce(r.user_id, excluded.user_id),
           user_name = coalesce(nullif(r.user_name, ''), excluded.user_name),
           workflow_name = coalesce(nullif(r.workflow_name, ''), excluded.workflow_name),
           tags = coalesce(nullif(r.tags, '{}'), excluded.tags),
           directory = coalesce(r.directory, excluded.directory), snakefile = coalesce(r.snakefile, excluded.snakefile),
           command_line = coalesce(r.command_line, excluded.command_line), config = coalesce(r.config, excluded.config),
           config_files = coalesce(nullif(r.config_files, '{}'), excluded.config_files),
           logfile = coalesce(r.logfile, excluded.logfile), dry_run = r.dry_run or excluded.dry_run,
           fingerprint = coalesce(r.fingerprint, excluded.fingerprint),
           lineage_id = case when r.fingerprint is null then excluded.lineage_id else r.lineage_id end,
           attempt = case when r.fingerprint is null then excluded.attempt else r.attempt end
     where r.source = 'sql' and r.client_version is not null;
    if not found then
        return new;
    end if;
    if new.run_info is not null then
        perform flowo_sql.plan(new.id, flowo_sql.document(new.run_info));
    end if;
    return new;
end
$$;

-- Stores how many jobs of each rule are planned, and the client's own total if it gives one.
create or replace function flowo_sql.plan(run uuid, stats jsonb) returns void language sql as $$
    with counts as (
        select s.key as rule, flowo_sql.fit(least(greatest((s.value #>> '{}')::numeric, 0), 2147483647)::bigint) as n
          from jsonb_each(case jsonb_typeof(stats) when 'object' then stats end) s
         where jsonb_typeof(s.value) = 'number'
    )
    update public.workflow_runs r
       set planned = coalesce((select jsonb_object_agg(c.rule, c.n) from counts c where c.rule <> 'total'), '{}'),
           jobs_planned = coalesce((select c.n from counts c where c.rule = 'total'),
                                   (select flowo_sql.fit(sum(c.n)::bigint) from counts c), 0)
     where r.id = run
$$;

create or replace function flowo_sql.workflows_update() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp set jit = off set enable_seqscan = off as $$
declare
    new_status text := case when new.status is distinct from old.status then flowo_sql.word(new.status) end;
    graph jsonb;
begin
    -- A change of the status leaves the error flag as it is: an error has a row of its own that follows, and whether a
    -- closed run failed depends on the report before the close.
    if flowo_sql.hold(old.id, case when new_status is null then false end) is null then
        return new;
    end if;
    if new.rulegraph_data::text is distinct from old.rulegraph_data::text then
        graph := flowo_sql.document(new.rulegraph_data);
        update public.workflow_runs r set rule_graph = graph where r.id = old.id and graph is not null;
    end if;
    if new.run_info::text is distinct from old.run_info::text and new.run_info is not null then
        perform flowo_sql.plan(old.id, flowo_sql.document(new.run_info));
    end if;
    if (new.name, new.tags, new.command_line) is distinct from (old.name, old.tags, old.command_line) then
        update public.workflow_runs r
           set workflow_name = coalesce(flowo_sql.cut(trim(new.name), 1000), ''), command_line = new.command_line,
               tags = coalesce((select array_agg(flowo_sql.cut(x.tag, 200))
                                  from unnest(new.tags[1:100]) as x(tag) where x.tag <> ''), '{}')
         where r.id = old.id;
    end if;
    case
        -- With an end time: the report of an error, by which these clients mean the end. The run goes on, because its
        -- other jobs go on, and the failed job may be retried.
        when new_status = 'failed' and new.end_time is distinct from old.end_time then
            null;
        -- Without an end time: the close of a run with failed jobs, or the report of an error by the oldest clients. If
        -- no error follows in this transaction, it was the close; the trigger below handles that case.
        when new_status = 'failed' then
            update public.workflow_runs r set closed_by_client = true where r.id = old.id and not public.status_is_end(r.status);
        when new_status = 'success' then
            perform flowo_sql.close(old.id, flowo_sql.moment(new.end_time));
        when new_status = 'lost' then
            update public.workflow_runs r set status = 'lost' where r.id = old.id and not public.status_is_end(r.status);
        else
            null;                                           -- running and waiting say nothing new
    end case;
    return new;
end
$$;

create or replace function flowo_sql.workflow_runs_closing() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp set jit = off set enable_seqscan = off as $$
begin
    perform flowo_sql.announced();
    if exists (select from public.workflow_runs r where r.id = new.id and r.closed_by_client and r.ended_at is null) then
        perform flowo_sql.close(new.id, public.flowo_now());
    end if;
    return null;
end
$$;

do $$
begin
    if not exists (select from pg_trigger
                    where tgrelid = 'public.workflow_runs'::regclass and tgname = 'workflow_runs_closing') then
        create constraint trigger workflow_runs_closing after update of closed_by_client on public.workflow_runs
            deferrable initially deferred for each row
            when (new.closed_by_client and not old.closed_by_client and new.source = 'sql' and new.ended_at is null)
            execute function flowo_sql.workflow_runs_closing();
    end if;
end
$$;

-- Rules

create or replace function flowo_sql.rules_insert() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp set jit = off set enable_seqscan = off as $$
declare
    key uuid := md5(new.name)::uuid;
    known integer;
begin
    new.id := 0;                                            -- belongs to no rule: the run was deleted
    if new.name is null or flowo_sql.hold(new.workflow_id, null) is null then
        return new;
    end if;
    select u.position into known from public.rules u where u.workflow_run_id = new.workflow_id and u.name_key = key;
    if not found then
        insert into public.rules (workflow_run_id, name, code, language, position)
        select new.workflow_id, new.name, new.code, new.language, coalesce(max(u.position), 0) + 1
          from public.rules u
         where u.workflow_run_id = new.workflow_id
        returning position into known;
    end if;
    new.id := known;
    return new;
end
$$;

-- Jobs

create or replace function flowo_sql.jobs_insert() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp set jit = off set enable_seqscan = off as $$
declare
    new_status text := coalesce(flowo_sql.word(new.status), 'waiting');
    rule       text;
    start_at   timestamptz;
    end_at     timestamptz;
    last       public.job_executions;
begin
    if flowo_sql.hold(new.workflow_id, false) is null then
        new.id := nextval(pg_get_serial_sequence('public.job_executions', 'id'));   -- belongs to no job, but in order
        return new;
    end if;
    start_at := case when new_status <> 'waiting' then flowo_sql.moment(new.started_at) end;
    end_at := case when public.status_is_end(new_status) then greatest(flowo_sql.moment(new.end_time), start_at) end;
    select j.* into last
      from public.job_executions j
     where j.workflow_run_id = new.workflow_id and j.job_id = new.snakemake_id and not j.superseded;
    if last.status in ('waiting', 'suspended') or last.status = 'running' and not last.informed then
        -- Reported twice, or planned earlier: nothing happened in between.
        if new_status <> last.status and new_status <> 'waiting' then
            update public.job_executions j
               set status = new_status, started_at = coalesce(j.started_at, start_at),
                   ended_at = case when end_at is not null then greatest(end_at, j.started_at) end
             where j.id = last.id;
        end if;
        new.id := last.id;
        return new;
    end if;
    if last.id is not null then
        update public.job_executions j
           set superseded = true, status = case when public.status_is_end(j.status) then j.status else 'lost' end
         where j.id = last.id;
    end if;
    rule := flowo_sql.rule_name(new.workflow_id, new.rule_id);
    -- A retry starts with the data reported for the previous attempt.
    insert into public.job_executions
           (workflow_run_id, job_id, attempt, rule, status, informed, wildcards, resources, threads, priority, reason, message,
            shell_command, group_name, started_at, ended_at)
    values (new.workflow_id, new.snakemake_id, coalesce(last.attempt, 0) + 1, coalesce(rule, last.rule), new_status, rule is not null,
            coalesce(flowo_sql.document(new.wildcards), last.wildcards),
            coalesce(flowo_sql.document(new.resources), last.resources),
            coalesce(flowo_sql.fit(new.threads), last.threads), coalesce(flowo_sql.fit(new.priority), last.priority),
            new.reason, coalesce(new.message, last.message), coalesce(new.shellcmd, last.shell_command), new.group_id::text,
            start_at, end_at)
    returning id into new.id;
    return new;
end
$$;

create or replace function flowo_sql.jobs_update() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp set jit = off set enable_seqscan = off as $$
declare
    job        public.job_executions;
    rule       text;
    new_status text := case when new.status is distinct from old.status then flowo_sql.word(new.status) end;
    described  boolean;
begin
    new.id := old.id;
    if flowo_sql.hold(old.workflow_id, false) is null then
        return new;
    end if;
    select j.* into job from public.job_executions j where j.id = old.id;
    if not found then
        return new;
    end if;
    described := (new.rule_id, new.message, new.reason, new.shellcmd, new.threads, new.priority,
                  new.wildcards::text, new.resources::text)
                 is distinct from
                 (old.rule_id, old.message, old.reason, old.shellcmd, old.threads, old.priority,
                  old.wildcards::text, old.resources::text);
    if described then
        rule := flowo_sql.rule_name(job.workflow_run_id, new.rule_id);
        if not job.informed and new.message is not null then
            insert into public.log_entries (workflow_run_id, job_execution_id, level, message)
            values (job.workflow_run_id, job.id, 'info', left(new.message, 16000));
        end if;
        job.rule := coalesce(rule, job.rule);
        job.informed := true;
        job.message := new.message;
        job.reason := new.reason;
        job.shell_command := new.shellcmd;
        job.threads := flowo_sql.fit(new.threads);
        job.priority := flowo_sql.fit(new.priority);
        job.wildcards := coalesce(flowo_sql.document(new.wildcards), '{}');
        job.resources := coalesce(flowo_sql.document(new.resources), '{}');
    end if;
    if new.group_id is distinct from old.group_id then
        job.group_name := new.group_id::text;
    end if;
    -- An attempt that has ended keeps its end; a lost attempt may still get a later report.
    if (case job.status when 'waiting' then new_status <> 'waiting' when 'suspended' then new_status <> 'waiting'
                        when 'running' then public.status_is_end(new_status)
                        when 'lost' then new_status in ('success', 'failed') end) then
        if new_status = 'running' then
            job.started_at := flowo_sql.moment(new.started_at);
        elsif new_status = 'failed' then
            insert into public.log_entries (workflow_run_id, job_execution_id, level, message)
            values (job.workflow_run_id, job.id, 'error',
                    left('Job ' || coalesce(job.job_id, job.id) || coalesce(' of ' || job.rule, '') || ' failed', 16000));
        end if;
        job.ended_at := case when public.status_is_end(new_status) then greatest(flowo_sql.moment(new.end_time), job.started_at) end;
        job.status := new_status;
    end if;
    update public.job_executions j
       set rule = job.rule, informed = job.informed, message = job.message, reason = job.reason,
           shell_command = job.shell_command, threads = job.threads, priority = job.priority,
           wildcards = job.wildcards, resources = job.resources,
           group_name = job.group_name, started_at = job.started_at, ended_at = job.ended_at, status = job.status
     where j.id = job.id;
    return new;
end
$$;

-- Files

create or replace function flowo_sql.files_insert() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp set jit = off set enable_seqscan = off as $$
declare
    file_role text := lower(new.file_type::text);
    run       uuid;
    way       bigint;
    place     integer;
begin
    select j.workflow_run_id into run
      from public.job_executions j
      join public.workflow_runs r on r.id = j.workflow_run_id
     where j.id = new.job_id and r.source = 'sql' and r.client_version is not null;
    if not found or new.path is null or file_role is null then
        new.id := nextval(pg_get_serial_sequence('public.paths', 'id'));            -- belongs to no file, but in order
        return new;
    end if;
    if current_setting('flowo_sql.files_of', true) is distinct from new.job_id::text then
        -- The first of the files that this transaction lists. If the job already has this file, the client is repeating the list.
        perform flowo_sql.hold(run, false), set_config('flowo_sql.files_of', new.job_id::text, true),
                set_config('flowo_sql.place', '', true);
        if exists (select from public.job_files f join public.paths p on p.id = f.path_id
                    where f.job_execution_id = new.job_id and f.role = file_role and p.path = new.path) then
            delete from public.job_files f where f.job_execution_id = new.job_id;
        end if;
    end if;
    select p.id into way from public.paths p where p.workflow_run_id = run and p.path_key = md5(new.path)::uuid;
    if not found then
        insert into public.paths (workflow_run_id, path) values (run, new.path)
        on conflict on constraint paths_once do update set path = excluded.path     -- to get its number
        returning id into way;
    end if;
    -- The position after the last one in that role. It is kept in a setting, because looking it up costs more with every file.
    if split_part(current_setting('flowo_sql.place', true), ' ', 1) = file_role then
        place := split_part(current_setting('flowo_sql.place', true), ' ', 2)::integer + 1;
    else
        select coalesce(max(f.position), -1) + 1 into place
          from public.job_files f
         where f.job_execution_id = new.job_id and f.role = file_role;
    end if;
    perform set_config('flowo_sql.place', file_role || ' ' || place, true);
    insert into public.job_files (job_execution_id, path_id, role, position) values (new.job_id, way, file_role, place)
    on conflict do nothing;
    new.id := new.job_id * 67108864 + array_position(array['input', 'output', 'log', 'benchmark'], file_role) * 16777216
              - 16777216 + least(place, 16777215);
    return new;
end
$$;

-- Errors

-- Errors get the time of the writing: the time that these clients send is when the client was loaded.
create or replace function flowo_sql.errors_insert() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp set jit = off set enable_seqscan = off as $$
declare
    place  text := coalesce(new.location, new.file || coalesce(':' || new.line, ''));
    report jsonb;
begin
    perform flowo_sql.announced();
    new."timestamp" := public.flowo_now();
    new.exception := coalesce(new.exception, 'Error');
    new.id := 0;                                            -- belongs to no error: the run was deleted
    if flowo_sql.hold(new.workflow_id, null) is null then
        return new;
    end if;
    report := jsonb_build_object('exception', new.exception, 'rule', flowo_sql.rule_name(new.workflow_id, new.rule_id),
                                 'location', place, 'traceback', new.traceback, 'at', public.ms(public.flowo_now()));
    -- An end announced just before in this transaction was not a close; it belonged to the error.
    update public.workflow_runs r
       set errors = case when jsonb_array_length(r.errors) >= 100
                              or r.last_was_error and r.errors -> -1 ->> 'exception' = new.exception then r.errors
                         else r.errors || report end,
           last_was_error = r.last_was_error or r.ended_at is null,
           closed_by_client = r.closed_by_client and r.ended_at is not null
     where r.id = new.workflow_id
    returning jsonb_array_length(r.errors) into new.id;
    insert into public.log_entries (workflow_run_id, level, message)
    values (new.workflow_id, 'error',
            left(new.exception || coalesce(' in ' || place, '') || coalesce(E'\n' || new.traceback, ''), 16000));
    return new;
end
$$;

create or replace trigger workflows_insert instead of insert on flowo_sql.workflows
    for each row execute function flowo_sql.workflows_insert();
create or replace trigger workflows_update instead of update on flowo_sql.workflows
    for each row execute function flowo_sql.workflows_update();
create or replace trigger rules_insert instead of insert on flowo_sql.rules
    for each row execute function flowo_sql.rules_insert();
create or replace trigger jobs_insert instead of insert on flowo_sql.jobs
    for each row execute function flowo_sql.jobs_insert();
create or replace trigger jobs_update instead of update on flowo_sql.jobs
    for each row execute function flowo_sql.jobs_update();
create or replace trigger files_insert instead of insert on flowo_sql.files
    for each row execute function flowo_sql.files_insert();
create or replace trigger errors_insert instead of insert on flowo_sql.errors
    for each row execute function flowo_sql.errors_insert();

-- Lets a role write through these views, and do nothing else here. Must be called by a superuser, or by the owner of
-- the tables if that role may create roles: create role x login password '…'; select flowo_sql.allow('x').
create or replace function flowo_sql.allow(role_name text) returns void language plpgsql
set search_path = pg_catalog, pg_temp as $$
begin
    if to_regrole(quote_ident(role_name)) is null then
        raise exception 'there is no role "%"', role_name
            using hint = format('create role %I login password ''…''', role_name);
    end if;
    if has_schema_privilege(role_name, 'public', 'create') then
        raise exception 'the role "%" may create objects in the schema public', role_name
            using hint = 'Use a role of its own. If every role may: revoke create on schema public from public';
    end if;
    execute format('grant usage on schema flowo_sql to %I', role_name);
    execute format('grant select, insert, update on flowo_sql.workflows, flowo_sql.jobs to %I', role_name);
    execute format('grant select, insert on flowo_sql.rules, flowo_sql.files, flowo_sql.errors to %I', role_name);
    -- A hanging client must not keep locks on rows with counters of others.
    execute format('alter role %I in database %I set idle_in_transaction_session_timeout = ''1min''',
                   role_name, current_database());
    execute format('alter role %I in database %I set search_path = flowo_sql', role_name, current_database());
exception when insufficient_privilege then
    raise exception '% may not set up the role "%"', current_user, role_name
        using hint = 'Call flowo_sql.allow as a superuser.';
end
$$;

-- Only the triggers call these functions.
revoke all on all functions in schema flowo_sql from public;
