-- What a suppress rule kept quiet is collected for the review of that rule, and told as a digest is.
ALTER TABLE digest_entry ADD COLUMN review boolean NOT NULL DEFAULT false;
ALTER TABLE digest ADD COLUMN review boolean NOT NULL DEFAULT false;
