-- The audit log of accounts and tokens: written by triggers, so that manual changes of rows are recorded, too.

-- Who acts: the name set in the transaction (`acting` in 03-changes.sql), otherwise the role of the database session.
create or replace function acting_name() returns text language sql stable as $$
    select coalesce(nullif(current_setting('flowo.actor', true), ''), 'database role ' || session_user)
$$;

create or replace function users_noted() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into audit_log (action, target, detail)
        values ('add.user', new.id::text, jsonb_build_object('name', new.name, 'role', new.role, 'by', acting_name()));
    elsif tg_op = 'DELETE' then
        insert into audit_log (action, target, detail)
        values ('delete.user', old.id::text, jsonb_build_object('name', old.name, 'role', old.role, 'by', acting_name()));
    elsif old.role is distinct from new.role then
        insert into audit_log (action, target, detail)
        values ('change.role', new.id::text, jsonb_build_object('name', new.name, 'from', old.role, 'to', new.role, 'by', acting_name()));
    end if;
    return null;
end
$$;

create or replace trigger users_noted_always after insert or delete or update of role on users
    for each row execute function users_noted();

create or replace function tokens_noted() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into audit_log (user_id, action, target, detail)
        values (new.user_id, 'make.token', new.id::text,
                jsonb_build_object('name', new.name, 'prefix', new.prefix, 'scope', new.scope, 'expires_at', new.expires_at, 'by', acting_name()));
    elsif old.revoked_at is null and new.revoked_at is not null then
        insert into audit_log (user_id, action, target, detail)
        values (new.user_id, 'revoke.token', new.id::text, jsonb_build_object('name', new.name, 'prefix', new.prefix, 'by', acting_name()));
    end if;
    return null;
end
$$;

create or replace trigger tokens_noted_always after insert or update of revoked_at on tokens
    for each row execute function tokens_noted();
