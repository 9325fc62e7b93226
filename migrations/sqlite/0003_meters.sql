-- What is counted: accepted events on meters, exactly and within limits, and API requests.

-- One row for each count: a meter of one tenant in one environment, in one window. It is locked while units are handed
-- out, and holds what was used through blocks that are gone.
create table meters (
    tenant_id blob not null,
    environment text not null,
    meter text not null,
    period text not null check (period in ('minute', 'month')),
    starts_at bigint not null,
    ends_at bigint not null,
    settled bigint not null,
    primary key (tenant_id, environment, meter, period, starts_at)
) without rowid;
create index meters_by_end on meters (ends_at);

-- Units that one holder may use without asking anybody: it alone raises `used`, in the transaction of what it counts.
-- When a holder dies, its row expires, and what it has not used is handed out again. A change of plan voids it.
create table meter_blocks (
    tenant_id blob not null,
    environment text not null,
    meter text not null,
    period text not null,
    starts_at bigint not null,
    holder blob not null,
    quota bigint not null,               -- the limit that it was granted under; -1 is none
    granted bigint not null,
    used bigint not null,
    expires_at bigint not null,
    primary key (tenant_id, environment, meter, period, starts_at, holder)
) without rowid;

-- Which levels of a quota have been told, so that each is told once.
create table quota_notices (
    tenant_id blob not null,
    environment text not null,
    meter text not null,
    period text not null,
    starts_at bigint not null,
    percent bigint not null,
    primary key (tenant_id, environment, meter, period, starts_at, percent)
) without rowid;

-- Requests of a key in an hour, or of a tenant's environment in a month, as far as they were taken ahead by processes.
create table request_windows (
    subject blob not null,
    kind text not null check (kind in ('key', 'production', 'staging')),
    starts_at bigint not null,
    ends_at bigint not null,
    taken bigint not null,
    primary key (subject, kind, starts_at)
) without rowid;
create index request_windows_by_end on request_windows (ends_at);

-- Requests by key, month and route.
create table request_usage (
    tenant_id blob not null,
    environment text not null,
    month text not null,
    key_id blob not null,
    method text not null,
    route text not null,
    requests bigint not null,
    failed bigint not null,              -- answered 4xx or 5xx
    duration_us bigint not null,
    primary key (tenant_id, environment, month, key_id, method, route)
) without rowid;
create index request_usage_by_key on request_usage (key_id, month);

-- How long requests took: how many fell into each bucket, whose bounds grow by a constant factor.
create table request_durations (
    tenant_id blob not null,
    environment text not null,
    month text not null,
    bucket bigint not null,
    requests bigint not null,
    primary key (tenant_id, environment, month, bucket)
) without rowid;
