-- Words in what clients said, over all runs: any piece of three letters and more.
create index log_entries_search on log_entries using gin (lower(message) gin_trgm_ops);
-- The newest first.
create index log_entries_time on log_entries (id desc);
