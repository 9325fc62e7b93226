-- Links by which a tenant's own customers open the pages of some of its webhooks. A link is opened once; the visit that
-- it becomes is the same row. Neither its token nor the visit's is kept: their keyed hashes are.

create table portal_links (
    id uuid primary key,
    tenant_id uuid not null references tenants (id),
    environment text not null check (environment in ('production', 'staging')),
    name text not null,                  -- for people: whom it is for
    webhooks text not null,              -- JSON: the ids of those that it shows, and no others
    read_only boolean not null,
    made_by text not null,               -- JSON: who
    token_hash bytea not null unique,
    created_at bigint not null,
    link_ends_at bigint not null,        -- until then it can be opened
    visit_ms bigint not null,            -- how long the visit lasts
    opened_at bigint,
    visit_hash bytea unique,                -- of what the visitor's browser shows
    visit_ends_at bigint,
    revoked_at bigint
);
create index portal_links_scope on portal_links (tenant_id, environment, id);
create index portal_links_end on portal_links (link_ends_at);
