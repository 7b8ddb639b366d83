-- Whose a message's lease is, as with effects: a claim whose answer was lost is known again, a dead node's taken over.
ALTER TABLE message ADD COLUMN leased_by uuid;
