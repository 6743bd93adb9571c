-- How far each server's journal of updates, a file beside it, is in here.

create table journals (
    id         uuid primary key,
    applied    bigint not null,                     -- number of the last line that was applied
    changed_at timestamptz not null default now()
);
