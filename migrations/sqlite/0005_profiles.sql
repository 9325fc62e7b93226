-- How a webhook's requests look: what is set about its signatures, and secrets of more than one kind.
alter table webhooks add column signature text;              -- JSON; null is what the profile has by itself
alter table webhooks add column handshake boolean not null default false;
alter table webhooks add column consent text;                -- JSON; what the receiver has agreed to

alter table webhook_secrets add column kind text not null default 'standard'
    check (kind in ('standard', 'text', 'ed25519'));
