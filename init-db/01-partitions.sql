-- Daily partitions of the history tables, created in advance. Safe to run at any time.

-- Creates the missing partitions for today and the next `ahead` days. If the default partition already contains rows of
-- a day, that day gets no partition and its rows stay there.
create or replace function ensure_daily_partitions(ahead integer) returns integer language plpgsql as $$
declare
    parent text;
    day    date;
    made   integer := 0;
begin
    foreach parent in array array['ingest_events', 'change_notifications', 'log_entries'] loop
        for day in select flowo_now()::date + n from generate_series(0, ahead) n loop
            if to_regclass(format('%I', parent || '_' || to_char(day, 'YYYYMMDD'))) is null then
                begin
                    execute format('create table %I partition of %I for values from (%L) to (%L)',
                                   parent || '_' || to_char(day, 'YYYYMMDD'), parent, day::timestamptz, (day + 1)::timestamptz);
                    made := made + 1;
                exception when check_violation then
                    null;                                   -- the default partition holds rows of that day
                end;
            end if;
        end loop;
    end loop;
    return made;
end
$$;
