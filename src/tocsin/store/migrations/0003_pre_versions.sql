-- A credential that the version in force no longer names is kept for a while, so that going back needs nobody to find it.
ALTER TABLE secret ADD COLUMN unused_since timestamptz;
