-- Row triggers: bring a row into its canonical form and count its revisions.

-- Translates the status words of other tools into Flowo's.
create or replace function status_word(word text) returns text language sql immutable parallel safe as $$
    select case lower(word)
        when 'pending'   then 'waiting'
        when 'queued'    then 'waiting'
        when 'started'   then 'running'
        when 'completed' then 'success'
        when 'complete'  then 'success'
        when 'finished'  then 'success'
        when 'done'      then 'success'
        when 'error'     then 'failed'
        when 'unknown'   then 'lost'
        when 'aborted'   then 'lost'
        when 'canceled'  then 'cancelled'
        else lower(word)
    end
$$;

create or replace function status_is_end(word text) returns boolean language sql immutable parallel safe as $$
    select word in ('success', 'failed', 'lost', 'cancelled', 'skipped')
$$;

create or replace function workflow_runs_shape() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' or new.status is distinct from old.status then
        new.status := status_word(new.status);
        if status_is_end(new.status) then
            new.ended_at := coalesce(new.ended_at, flowo_now());
        else
            new.ended_at := null;
        end if;
    end if;
    if tg_op = 'INSERT' then
        new.lineage_id := coalesce(new.lineage_id, new.id);
    end if;
    if tg_op = 'INSERT'
       or (new.workflow_name, new.directory, new.user_name, new.tags)
          is distinct from (old.workflow_name, old.directory, old.user_name, old.tags) then
        new.search := fold(concat_ws(E'\n', new.workflow_name, new.directory, new.user_name, array_to_string(new.tags, E'\n')));
    end if;
    new.sort_at := coalesce(new.started_at, new.created_at);
    if tg_op = 'UPDATE' then
        new.epoch := greatest(new.epoch, old.epoch);        -- what an epoch ended stays ended in it
        new.revision := old.revision;
        -- A new last_seen_at alone does not count as a change.
        if new is distinct from old then
            declare seen timestamptz := new.last_seen_at;
            begin
                new.last_seen_at := old.last_seen_at;
                if new is distinct from old then
                    new.revision := old.revision + 1;
                end if;
                new.last_seen_at := seen;
            end;
        end if;
    end if;
    return new;
end
$$;
create or replace trigger workflow_runs_shape before insert or update on workflow_runs
    for each row execute function workflow_runs_shape();

create or replace function job_executions_shape() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' or new.status is distinct from old.status then
        new.status := status_word(new.status);
        if status_is_end(new.status) then
            new.ended_at := greatest(coalesce(new.ended_at, flowo_now()), new.started_at);
        else
            new.ended_at := null;
        end if;
    end if;
    if tg_op = 'INSERT' and new.epoch is null then          -- the batch writer says it, others need not know of it
        select r.epoch into new.epoch from workflow_runs r where r.id = new.workflow_run_id;
    end if;
    if tg_op = 'UPDATE' then
        new.revision := old.revision;
        if new is distinct from old then
            new.revision := old.revision + 1;
        end if;
    end if;
    return new;
end
$$;
create or replace trigger job_executions_shape before insert or update on job_executions
    for each row execute function job_executions_shape();

-- Milliseconds since 1970 and back: the form in which all of Flowo writes a time.
-- Stable, like their bodies, so that the planner inlines them and they cost no call.
create or replace function at_ms(ms bigint) returns timestamptz language sql stable parallel safe as $$
    select timestamptz 'epoch' + ms * interval '1 millisecond'
$$;
create or replace function ms(at timestamptz) returns bigint language sql stable parallel safe as $$
    select floor(extract(epoch from at) * 1000)::bigint
$$;
