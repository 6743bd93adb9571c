-- The time by which SQL decides: what has expired, who fell silent, which history is old enough to go.
--
-- No row is rewritten: only the defaults of new rows change. They rely on the function, so it is made here and not by a
-- script that may change.

-- The time at which the transaction began, like now(), shifted by the setting `flowo.clock_shift`: an interval such as
-- `2 days`. Nobody sets it but tests. Absent or empty: no shift. A value that is no interval is an error, because a clock
-- that silently ignored its shift would let a test pass that tests nothing.
--
-- The planner inlines it: one expression, stable, without SET. So it costs about as much as now(), and an index on a time
-- serves as before. The body is parsed here, once: no search_path of a session or a trigger changes what it calls.
create function flowo_now() returns timestamptz language sql stable parallel safe
return now() + coalesce(nullif(current_setting('flowo.clock_shift', true), '')::interval, interval '0');

-- Times of rows that are compared with it later, by sweep, retention, limits and order. Other times only say when a row
-- was written, and stay as they are.
alter table workflow_runs
    alter column created_at   set default flowo_now(),
    alter column started_at   set default flowo_now(),
    alter column sort_at      set default flowo_now(),
    alter column last_seen_at set default flowo_now();
alter table ingest_events alter column recorded_at set default flowo_now();
alter table log_entries alter column logged_at set default flowo_now();
-- Goes on within a transaction: the history of a run is read by it.
alter table change_notifications alter column "timestamp" set default clock_timestamp() + (flowo_now() - now());
alter table deleted_runs alter column deleted_at set default flowo_now();
alter table graph_layouts alter column made_at set default flowo_now();
alter table settings alter column updated_at set default flowo_now();
alter table audit_log alter column at set default flowo_now();
alter table sessions alter column last_seen_at set default flowo_now();
alter table device_logins alter column created_at set default flowo_now();
