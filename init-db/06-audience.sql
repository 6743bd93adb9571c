-- Who sees a run. The one place in SQL; `Audience::sees` in `model::access` says the same in memory, and a test compares them.

-- `reach` is the reader's: `all` (every run), `shared` (those for everyone, and the reader's own) or `own`.
-- The planner inlines this function, so `own` is answered by the index workflow_runs_owned, if the statement is planned
-- with its values: those that list runs are not kept prepared.
create or replace function sees_run(r workflow_runs, reader bigint, reach text) returns boolean language sql immutable parallel safe as $$
    select reach = 'all' or coalesce(r.owner_id, r.user_id) = reader or reach = 'shared' and r.audience = 'everyone'
$$;
