-- Lists of one person's runs read what they show, and are counted without touching the table.

-- An index relies on it, so it is made here and not by a script that may change.
-- Folds ASCII letters only, so that SQL and the browser agree on every server.
create or replace function fold(words text) returns text language sql immutable parallel safe as $$
    select lower(words collate "C")
$$;

-- user:x. The name itself is carried along: the filter's exact condition reads it.
drop index workflow_runs_user;
create index workflow_runs_user on workflow_runs (fold(user_name), sort_at desc, id desc) include (user_name)
    where deleted_at is null;
-- What a member may see.
create index workflow_runs_owner on workflow_runs (user_id, sort_at desc, id desc) where deleted_at is null;
