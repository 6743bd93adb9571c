-- Pictures of graphs, laid out once.

create table graph_layouts (
    digest    bytea not null,                               -- SHA-256 of the graph's JSON text
    form      integer not null,                             -- of sizes and distances; another one, another picture
    direction text not null,
    layout    jsonb,                                        -- null: too large to lay out in time
    made_at   timestamptz not null default now(),
    primary key (digest, form, direction),
    constraint graph_layouts_direction_known check (direction in ('tb', 'lr'))
);
-- Old ones are forgotten, and made again when asked for.
create index graph_layouts_made_at on graph_layouts (made_at);
