-- The log of attempts in the order in which they ended: what a stream of a tenant's attempts reads on from anywhere.

create index attempts_by_end on attempts (tenant_id, (started_at + duration_ms), delivery_id);
