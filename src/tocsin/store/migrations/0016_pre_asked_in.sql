-- In which life of its incident a remote was asked last: a page that begins anew is told from the one before by that, not
-- by a clock, which may stand or be set back.
ALTER TABLE remote ADD COLUMN asked_in integer;
