-- The tables of the main job. Times are milliseconds since the Unix epoch; ids are UUIDv7, so that a day's
-- partition follows from the id alone. The same tables and columns stand in migrations/sqlite.

-- Raised by each change of a tenant, key or webhook. A process whose cache is older than this reads the changes.
create table revision (
    singleton boolean primary key default true check (singleton),
    value bigint not null
);
insert into revision (value) values (1);

create table tenants (
    id uuid primary key,
    name text not null unique,
    plan text not null,
    created_at bigint not null,
    revision bigint not null
);

create table api_keys (
    id uuid primary key,
    tenant_id uuid not null references tenants (id),
    environment text not null check (environment in ('production', 'staging')),
    name text not null,
    hash bytea not null unique,          -- keyed: useless without the master key
    hint text not null,                  -- what may be shown: the prefix and a few characters
    permissions text not null,           -- JSON array of words
    created_at bigint not null,
    expires_at bigint,
    revoked_at bigint,
    revision bigint not null
);
create index api_keys_by_revision on api_keys (revision);

create table webhooks (
    id uuid primary key,
    tenant_id uuid not null references tenants (id),
    environment text not null check (environment in ('production', 'staging')),
    name text not null,
    url text not null,
    events text not null,                -- JSON array of patterns
    headers text not null,               -- JSON object
    retry_policy text,                   -- JSON; null is the default schedule
    timeout_ms bigint not null,
    profile text not null,
    description text,
    metadata text,                       -- JSON object
    status text not null check (status in ('active', 'paused', 'disabled')),
    status_reason text,
    created_at bigint not null,
    updated_at bigint not null,
    deleted_at bigint,
    revision bigint not null
);
create index webhooks_by_scope on webhooks (tenant_id, environment, id);
create index webhooks_by_revision on webhooks (revision);

create table webhook_secrets (
    id uuid primary key,
    tenant_id uuid not null,
    webhook_id uuid not null references webhooks (id),
    sealed bytea not null,               -- encrypted; bound to the tenant and the webhook
    created_at bigint not null,
    expires_at bigint
);
create index webhook_secrets_by_webhook on webhook_secrets (webhook_id);

-- Written on transitions only: a row exists while a webhook has had nothing but failures.
create table webhook_health (
    webhook_id uuid primary key,
    failing_since bigint not null,
    warned_at bigint
);

-- A webhook that is not to be fed before an instant: its circuit is open, it asked for a pause, or it is full.
create table gates (
    webhook_id uuid primary key,
    until bigint not null,
    probing boolean not null             -- a circuit: after the instant a few are let through first
);

create table idempotency (
    tenant_id uuid not null,
    environment text not null,
    key text not null,
    request_hash bytea not null,
    event_id uuid not null,
    deliveries bigint not null,
    expires_at bigint not null,
    primary key (tenant_id, environment, key)
);
create index idempotency_by_expiry on idempotency (expires_at);

create table events (
    id uuid not null,
    tenant_id uuid not null,
    environment text not null,
    type text not null,
    data bytea not null,                 -- byte for byte as accepted
    occurred_at bigint not null,
    primary key (id)
) partition by range (id);
create index events_by_scope on events (tenant_id, environment, id);

create table deliveries (
    id uuid not null,
    tenant_id uuid not null,
    environment text not null,
    event_id uuid not null,
    event_type text not null,
    webhook_id uuid not null,
    reason text not null check (reason in ('event', 'replay', 'test')),
    state text not null check (state in ('pending', 'delivered', 'dead', 'cancelled')),
    attempts bigint not null,
    last_status bigint,
    last_error text,
    settled_at bigint,
    primary key (id)
) partition by range (id);
create index deliveries_by_scope on deliveries (tenant_id, environment, id);
create index deliveries_by_webhook on deliveries (webhook_id, id);
create index deliveries_by_event on deliveries (event_id);

-- Partitioned by the delivery, so that an attempt goes with it when its day is dropped.
create table attempts (
    delivery_id uuid not null,
    number bigint not null,
    tenant_id uuid not null,
    started_at bigint not null,
    duration_ms bigint not null,
    url text not null,
    status bigint,
    error text,
    next_at bigint,
    outcome text not null,               -- one sentence: what happened and what comes next
    request_headers text not null,       -- JSON object, without secrets
    response_headers text not null,      -- JSON object
    response_excerpt bytea not null,
    primary key (delivery_id, number)
) partition by range (delivery_id);

create table dead_letters (
    delivery_id uuid primary key,
    tenant_id uuid not null,
    environment text not null,
    webhook_id uuid not null,
    event_type text not null,
    died_at bigint not null
);
create index dead_letters_by_scope on dead_letters (tenant_id, environment, delivery_id);

-- The hot table. A row exists exactly while its delivery is pending: `due_at` is outbox, retry timer, lease and
-- crash recovery at once. Narrow and half empty, so that a claim is a heap-only update.
create table due (
    delivery_id uuid primary key,
    tenant_id uuid not null,
    webhook_id uuid not null,
    event_id uuid not null,
    due_at bigint not null,
    epoch bigint not null,               -- raised by each claim; a settle with an older one is refused
    leased boolean not null,             -- somebody holds it until due_at
    claims bigint not null,              -- claims since the last outcome: a delivery that kills workers stands out
    run_attempts bigint not null,        -- attempts since it was accepted, retried or redriven: the policy counts these
    attempts bigint not null             -- attempts ever
) with (
    fillfactor = 60,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_cost_delay = 0
);
create index due_by_webhook on due (webhook_id, due_at);

create table leaders (
    name text primary key,
    holder text not null,
    expires_at bigint not null
);
