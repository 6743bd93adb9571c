-- A migration of its own: while the index is built, everybody reads on. The old one goes last, which takes a moment.

-- What a member may see. It takes the place of the index by user_id.
create index workflow_runs_owned on workflow_runs (coalesce(owner_id, user_id), sort_at desc, id desc) where deleted_at is null;
drop index workflow_runs_owner;
