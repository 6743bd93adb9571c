-- Which raw reports told of an attempt, oldest first: what its details list. No index: they are named by key.
alter table job_executions add column reports bigint[];
