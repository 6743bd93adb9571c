-- Sign-ins begun by a program and approved by a person in the browser.

create table device_logins (
    hash        bytea primary key,                         -- HMAC-SHA-256 of the program's code
    user_code   text not null,                             -- what the person compares
    ttl_days    integer,                                   -- of the token to be made; null: no end
    created_at  timestamptz not null default now(),
    expires_at  timestamptz not null,
    approved_by bigint references users on delete cascade,
    constraint device_logins_ttl_positive check (ttl_days is null or ttl_days > 0)
);
-- Old ones are forgotten whenever a new one begins.
create index device_logins_expiry on device_logins (expires_at);
