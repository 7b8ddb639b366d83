-- Custom fields of an incident, and which of "title", "description" and "fields" a person wrote: repeats of its alerts
-- and rules leave those alone (S40).
ALTER TABLE incident ADD COLUMN fields jsonb NOT NULL DEFAULT '{}';
ALTER TABLE incident ADD COLUMN by_hand text[] NOT NULL DEFAULT '{}';
