-- What became of attempts, added up; and webhooks that are sent to at a rate, or in order.

-- How many attempts came to what, of one webhook, of one tenant's environment (webhook: zeros), and of all (tenant and
-- webhook: zeros). Each process writes minutes of its own; what is older is folded into hours. A count stands in
-- exactly one row for each of the three, so that sums need not know what is folded.
create table delivery_stats (
    tenant_id blob not null,
    environment text not null check (environment in ('production', 'staging', 'all')),
    webhook_id blob not null,
    starts_at bigint not null,
    span text not null check (span in ('minute', 'hour')),
    outcome text not null,
    writer blob not null,                -- the process; zeros for an hour
    attempts bigint not null,
    delivered bigint not null,           -- deliveries that these attempts ended well
    dead bigint not null,                -- deliveries whose last attempt this was
    duration_us bigint not null,
    durations text not null,             -- JSON: [[bucket, attempts], …]
    primary key (tenant_id, environment, webhook_id, starts_at, span, outcome, writer)
) without rowid;
create index delivery_stats_by_age on delivery_stats (span, starts_at);

alter table webhooks add column rate_limit text;             -- JSON; null is as fast as it takes them
alter table webhooks add column ordering text not null default 'none' check (ordering in ('none', 'strict'));

-- When requests of a webhook with a rate went out: a row is locked while requests are granted.
create table paces (
    webhook_id blob primary key,
    log text not null,                   -- JSON
    used_at bigint not null
);
create index paces_by_use on paces (used_at);

-- Which delivery of a webhook with an order is out, or is to be tried again: those behind it wait until it is over.
create table lines (
    webhook_id blob primary key,
    delivery_id blob not null            -- may be over already: then the next one is
);
