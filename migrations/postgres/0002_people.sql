-- People who sign in, their sessions, and what API keys have besides a hash.

create table users (
    id uuid primary key,
    tenant_id uuid references tenants (id),  -- null: an operator, who belongs to the deployment
    email text not null unique,              -- in lower case
    name text not null,
    role text not null check (role in ('owner', 'admin', 'member', 'operator')),
    password_hash text not null,             -- argon2id, with its cost and salt
    created_at bigint not null,
    updated_at bigint not null,
    disabled_at bigint,
    check ((role = 'operator') = (tenant_id is null))
);
create index users_by_tenant on users (tenant_id, id);

create table sessions (
    id uuid primary key,
    user_id uuid not null references users (id),
    created_at bigint not null,
    expires_at bigint not null,
    revoked_at bigint
);
create index sessions_by_user on sessions (user_id, id);
create index sessions_by_expiry on sessions (expires_at);

-- Guesses at the password of an address, whether or not anybody has it: a row exists until the guesses are forgotten.
create table login_guesses (
    address bytea primary key,               -- keyed hash: people type all kinds of things into that field
    guesses bigint not null,
    forgotten_at bigint not null
);
create index login_guesses_by_end on login_guesses (forgotten_at);

-- Which master key the hashes of API keys come from. Starting with another one would void them all.
create table master_root (
    singleton boolean primary key default true check (singleton),
    fingerprint bytea not null
);

alter table api_keys add column ip_whitelist text not null default '[]';  -- JSON array of addresses and networks
alter table api_keys add column rate_limit_requests bigint;               -- an hour; null is the plan's
alter table api_keys add column rotation_policy text;                     -- JSON
alter table api_keys add column active boolean not null default true;
alter table api_keys add column last_used_at bigint;
alter table api_keys add column updated_at bigint not null default 0;
alter table api_keys add column deleted_at bigint;
alter table api_keys add column replaced_by uuid;                         -- the key that it was rotated to
alter table api_keys add column rotation_notified_at bigint;
update api_keys set updated_at = created_at;
create index api_keys_by_tenant on api_keys (tenant_id, id);
