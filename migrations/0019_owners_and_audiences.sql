-- Whose a run is and who sees it. The defaults change nothing for runs that exist: nobody's rows are rewritten.

alter table workflow_runs
    -- The owner, where that is not the account that reported the run (user_id). The owner is coalesce(owner_id, user_id).
    add column owner_id bigint references users on delete set null,
    -- No foreign key yet: what a team is comes with a table of teams. Until then nobody belongs to one.
    add column team_id  bigint,
    add column audience text not null default 'everyone',   -- who sees it among those who see other people's runs
    add constraint workflow_runs_audience_known check (audience in ('everyone', 'owner and team')) not valid;

-- What a member may see. It takes the place of the index by user_id.
create index workflow_runs_owned on workflow_runs (coalesce(owner_id, user_id), sort_at desc, id desc) where deleted_at is null;
drop index workflow_runs_owner;
