-- A number for each session, so that addresses and streams can name one without its secret, or a hash of it.

alter table sessions add column id bigint generated always as identity;
-- Whether sessions that have streams or downloads open are still good.
alter table sessions add constraint sessions_id_unique unique (id);
