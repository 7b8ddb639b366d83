-- The rungs of a page, hedges, and what an acknowledgement or a snooze ends with (S25 to S32).

-- exhausted_at: its provider said that nobody is left to ask there; rung_read_at: when it was last read for who was rung.
ALTER TABLE remote ADD COLUMN exhausted_at timestamptz, ADD COLUMN rung_read_at timestamptz;
CREATE INDEX remote_unrung ON remote (connector, asked_at) WHERE notified_at IS NULL AND resolved_at IS NULL;

-- hedged: when the last pages were asked elsewhere besides, since nobody was notified in time; slow_until: too many of
-- them, so pages fail over at once until then (S30).
ALTER TABLE connector_state ADD COLUMN hedged timestamptz[] NOT NULL DEFAULT '{}', ADD COLUMN slow_until timestamptz;

-- An acknowledgement with an end (S26).
ALTER TABLE incident ADD COLUMN snoozed_until timestamptz;
