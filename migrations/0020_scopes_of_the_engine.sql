-- Two more things that a token may be for: running (read, start and stop) and working (a worker's requests, nothing else).

alter table tokens
    drop constraint tokens_scope_known,
    add constraint tokens_scope_known check (scope in ('report', 'read', 'write', 'run', 'work', 'admin'));
alter table device_logins
    drop constraint device_logins_scope_known,
    add constraint device_logins_scope_known check (scope in ('report', 'read', 'write', 'run', 'work', 'admin'));
