-- The jobs of one rule, newest first, page by page. By the start of its name: names may exceed an index entry.
create index job_executions_rule on job_executions (workflow_run_id, left(rule, 100), id desc);
