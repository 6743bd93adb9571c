-- Whose a run is and who sees it. The defaults change nothing for runs that exist: nobody's rows are rewritten.

alter table workflow_runs
    -- The owner, where that is not the account that reported the run (user_id). The owner is coalesce(owner_id, user_id).
    add column owner_id bigint references users on delete set null,
    -- No foreign key yet: what a team is comes with a table of teams. Until then nobody belongs to one.
    add column team_id  bigint,
    add column audience text not null default 'everyone',   -- who sees it among those who see other people's runs
    add constraint workflow_runs_audience_known check (audience in ('everyone', 'owner and team')) not valid;
