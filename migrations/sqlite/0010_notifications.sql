-- Mails about operational events: an outbox, one row for each recipient, sent or not.

alter table users add column gets_mail boolean not null default true;

create table mails (
    notice_id blob not null,             -- what is told of; a UUIDv7, so that old rows are a range of the key
    user_id blob not null references users (id),
    tenant_id blob,                      -- null: about the deployment, for operators
    environment text check (environment in ('production', 'staging')),
    kind text not null,
    facts text not null,                 -- JSON object: what the mail says; no payloads, no secrets
    due_at bigint not null,              -- the retry timer, and the lease of whoever is sending it
    attempts bigint not null,
    settled_at bigint,                   -- when it was sent or given up
    outcome text check (outcome in ('sent', 'refused', 'late', 'unwanted')),
    primary key (notice_id, user_id)
);
create index mails_by_time on mails (due_at) where settled_at is null;
create index mails_sent on mails (tenant_id, settled_at) where outcome = 'sent';

-- How far something was told of, or that it was.
create table mail_marks (
    name text primary key,
    told_at bigint not null
);

-- The digest counts a day's dead letters.
create index dead_letters_by_time on dead_letters (died_at);
