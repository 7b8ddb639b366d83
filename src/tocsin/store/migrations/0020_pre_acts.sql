-- An incident that was merged into another one: the number of that one, where its alerts are from then on.
ALTER TABLE incident ADD COLUMN merged_into bigint;
