-- Who changed it: what the session said of itself, else its program, else its role. Rows from before have none.
alter table change_notifications add column actor text;
alter table change_notifications alter column actor
    set default coalesce(nullif(current_setting('flowo.actor', true), ''), nullif(current_setting('application_name', true), ''), session_user);

-- The history of a run, newest first, page by page; of the run itself, its jobs or its words. And the purge of a run.
create index change_notifications_run on change_notifications (workflow_run_id, table_name, id);
-- get_recent_changes(): what came in order lies in order, so a summary of the pages is enough.
create index change_notifications_time on change_notifications using brin ("timestamp");

-- Runs that are gone, but not yet all that was kept of them: reports and lines of the change log go in portions.
alter table deleted_runs add column swept_at timestamptz;
create index deleted_runs_unswept on deleted_runs (deleted_at) where swept_at is null;
