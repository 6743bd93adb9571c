-- Who may see and do what: users, their tokens and sessions, and what was done.

create table users (
    id            bigint generated always as identity primary key,
    name          text not null,
    email         text,
    role          text not null default 'member',
    password_hash text,                                   -- Argon2id; null: signs in by link only
    os_user       text,                                   -- the owner of a private installation
    created_at    timestamptz not null default now(),
    constraint users_name_unique unique (name),
    constraint users_role_known check (role in ('viewer', 'member', 'admin')),
    constraint users_name_length check (length(name) between 1 and 200)
);
-- Sign-in looks an address up whatever its case.
create unique index users_email on users (lower(email)) where email is not null;

create table tokens (
    id           bigint generated always as identity primary key,
    user_id      bigint not null references users on delete cascade,
    name         text not null,
    prefix       text not null,                           -- enough to recognise, useless to sign in
    hash         bytea not null,                          -- HMAC-SHA-256 of the secret
    scope        text not null,
    created_at   timestamptz not null default now(),
    expires_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz,
    constraint tokens_hash_unique unique (hash),
    constraint tokens_scope_known check (scope in ('report', 'read', 'write', 'admin'))
);
-- The token list of one user.
create index tokens_user on tokens (user_id);

create table sessions (
    hash         bytea primary key,                       -- HMAC-SHA-256 of the cookie
    user_id      bigint not null references users on delete cascade,
    created_at   timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at   timestamptz not null
);
-- The nightly sweep of expired sessions.
create index sessions_expiry on sessions (expires_at);

create table sign_in_keys (
    hash       bytea primary key,                         -- HMAC-SHA-256 of the key in the link
    user_id    bigint not null references users on delete cascade,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at    timestamptz                                -- a link works once
);

create table settings (
    name       text primary key,
    value      jsonb not null,
    updated_at timestamptz not null default now()
);

create table audit_log (
    id      bigint generated always as identity primary key,
    at      timestamptz not null default now(),
    user_id bigint references users on delete set null,
    action  text not null,                                -- verb.noun, such as delete.run
    target  text,
    detail  jsonb
);
-- Newest first, by page.
create index audit_log_at on audit_log (at desc);
