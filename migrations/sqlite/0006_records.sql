-- The core API: customers, conversations, messages, leads, users and calls, all in one table. Lists are filtered by
-- facets, short texts such as `status=open`, so that no list reads documents that it does not show.

create table records (
    id blob primary key,
    tenant_id blob not null references tenants (id),
    environment text not null check (environment in ('production', 'staging')),
    noun text not null,
    parent_id blob references records (id) on delete cascade, -- what it is part of, and is deleted with
    document text not null,              -- JSON object
    version bigint not null,             -- raised by each change
    created_at bigint not null,
    updated_at bigint not null
);
create index records_by_scope on records (tenant_id, environment, noun, id);
create index records_by_parent on records (parent_id) where parent_id is not null;

create table record_facets (
    record_id blob not null references records (id) on delete cascade,
    facet text not null,                 -- in byte order, so that a word's beginning is a range
    tenant_id blob not null,
    environment text not null,
    noun text not null,
    primary key (record_id, facet)
) without rowid;
create index record_facets_by_facet on record_facets (tenant_id, environment, noun, facet, record_id);
