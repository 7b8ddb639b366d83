-- Raised by every look of a node at the database: one that has less than a node remembers is an older copy (S48).
CREATE TABLE mark (
  number bigint NOT NULL,
  at timestamptz NOT NULL,
  one boolean PRIMARY KEY DEFAULT true CHECK (one)
);
INSERT INTO mark (number, at) VALUES (0, now());

-- What the journal gives back is looked for by the request's id.
CREATE INDEX raw_request_by_id ON raw_request (id);
