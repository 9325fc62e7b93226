-- POST requests with an Idempotency-Key, other than those that publish events: what the first was answered.
create table idempotent_requests (
    owner blob not null,                 -- the tenant, or the user
    environment text not null,           -- of a key; empty for a person
    route text not null,
    key text not null,
    request_hash blob not null,
    status bigint,                       -- null while the first request is under way
    answer blob,                        -- encrypted; bound to the owner
    expires_at bigint not null,          -- of a request under way: when it is given up
    primary key (owner, environment, route, key)
) without rowid;
create index idempotent_requests_by_expiry on idempotent_requests (expires_at);
