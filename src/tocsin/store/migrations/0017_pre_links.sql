-- The last life of an incident that was over before it was opened again: ack links that were sent in it or before stay
-- dead (S52). Null = it was never opened again.
ALTER TABLE incident ADD COLUMN over_in integer;
-- The incidents that a message asks about, so that its mail has a link for each; () = it asks nothing.
ALTER TABLE message ADD COLUMN asks_about uuid[] NOT NULL DEFAULT '{}';
