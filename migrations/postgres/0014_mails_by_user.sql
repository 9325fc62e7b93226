-- Whoever goes takes the mails to them along.
create index mails_by_user on mails (user_id);
