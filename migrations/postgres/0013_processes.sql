-- The processes that are alive, as they say of themselves every few seconds. A row that was not written for long is of one
-- that has died; it is forgotten after a while. Nothing depends on it: it is for people to look at.

create table processes (
    node text primary key,
    role text not null,
    version text not null,
    started_at bigint not null,
    seen_at bigint not null,
    leads boolean not null,
    broker_ready boolean not null,
    in_flight bigint not null,           -- requests on the wire
    waiting bigint not null,             -- deliveries in memory that wait for a permit
    lag_ms bigint                        -- how late the oldest due delivery is that nothing holds back; the leader knows
);
