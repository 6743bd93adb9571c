-- What a sign-in begun by a program may do is the approver's choice; where it was asked from helps them to choose.

alter table device_logins
    add column scope      text,                            -- what the token may do; null until somebody approves
    add column asked_from text,                            -- the program's address as the server saw it
    add constraint device_logins_scope_known check (scope in ('report', 'read', 'write', 'admin'));

-- What happens often is noted once a minute with how often: its latest row is looked up each time.
create index audit_log_action on audit_log (action, at desc);
