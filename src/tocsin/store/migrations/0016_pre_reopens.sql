-- What is open at a provider and over here was reopened there: its list of what is open is read now and then, while
-- anything was resolved within a day.
ALTER TABLE connector_state ADD COLUMN open_read_at timestamptz;
CREATE INDEX incident_over ON incident (resolved_at) WHERE status IN ('resolved', 'closed');
