-- Replays as jobs, what was discarded or expunged, and the audit log.

-- A job that has matching deliveries attempted again. What it has not looked at yet lies between low_id and high_id,
-- both excluded; they move in the transaction that makes the runs, so that no crash skips or repeats one.
create table replays (
    id blob primary key,
    tenant_id blob not null references tenants (id),
    environment text not null check (environment in ('production', 'staging')),
    filter text not null,                -- JSON, as it was asked for
    only_failed boolean not null,
    newest_first boolean not null,
    rate bigint not null,                -- runs in a second
    state text not null check (state in ('running', 'paused', 'cancelled', 'done', 'failed')),
    note text,                           -- why it failed
    asked_by text not null,              -- JSON: who
    total bigint not null,               -- counted when it was made, and again when all was looked at
    total_is_exact boolean not null,
    made bigint not null,                -- runs
    waiting bigint not null,             -- of those: tried, and waiting for a retry or their webhook
    delivered bigint not null,           -- of those
    failed bigint not null,              -- of those
    skipped bigint not null,             -- matched and not replayed
    low_id blob not null,
    high_id blob not null,
    walked boolean not null,             -- nothing is left between the two
    is_open boolean not null,            -- there is something left to do or to look at
    paced_at bigint not null,            -- up to when the rate is used
    version bigint not null,             -- raised by each change
    created_at bigint not null,
    updated_at bigint not null,
    ended_at bigint
);
create index replays_by_scope on replays (tenant_id, environment, id);
create index replays_open on replays (id) where is_open;
create index replays_ended on replays (ended_at) where ended_at is not null;

create table replay_runs (
    replay_id blob not null references replays (id) on delete cascade,
    delivery_id blob not null,
    state text not null check (state in ('pending', 'waiting', 'delivered', 'failed')),
    look_at bigint not null,             -- when to look what became of it
    primary key (replay_id, delivery_id)
) without rowid;
create index replay_runs_to_look_at on replay_runs (replay_id, look_at) where state in ('pending', 'waiting');
create index replay_runs_failed on replay_runs (replay_id, delivery_id) where state = 'failed';

alter table deliveries add column note text;      -- why a person ended it
alter table events add column expunged_at bigint;  -- when its data was erased
create index events_expunged on events (expunged_at) where expunged_at is not null;

-- Who changed what. Never a secret, never a payload.
create table audit_log (
    id blob primary key,
    tenant_id blob,                      -- null: the deployment itself
    environment text,                    -- null: in both, or in none
    actor_kind text not null check (actor_kind in ('key', 'user', 'operator')),
    actor_id text,
    actor_name text not null,            -- as it was then
    action text not null,                -- noun.verb
    subject text not null,               -- the id of what was changed
    changes text not null,               -- JSON: field to old and new
    request_id text,
    address text
);
create index audit_log_by_tenant on audit_log (tenant_id, id);
