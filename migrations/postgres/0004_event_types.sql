-- Tenants' own event types, what webhooks filter by, and where and when events go.

create table event_types (
    tenant_id uuid not null references tenants (id),
    environment text not null check (environment in ('production', 'staging')),
    name text not null,
    description text,
    example text,                        -- JSON object
    schema text,                         -- JSON Schema
    schema_mode text not null check (schema_mode in ('off', 'warn', 'reject')),
    created_at bigint not null,
    updated_at bigint not null,
    deleted_at bigint,                   -- kept, so that other processes learn of it
    revision bigint not null,
    primary key (tenant_id, environment, name)
);
create index event_types_by_revision on event_types (revision);

alter table webhooks add column filter text;       -- JSON; null lets everything through
alter table webhooks add column channels text;     -- JSON array of names; null hears all

alter table events add column channels text;       -- JSON array of names
alter table events add column deliver_at bigint;   -- no delivery is due before
create index events_scheduled on events (id) where deliver_at is not null;
