-- The audit log (TR-4): who did it, how they came, how it ended; and its place in the chain. A row is written with
-- the change that it tells of, without a place; seq and hash follow when the node on duty links it.
ALTER TABLE audit
  ADD COLUMN actor_kind text NOT NULL DEFAULT '',
  ADD COLUMN via text NOT NULL DEFAULT '',
  ADD COLUMN address text NOT NULL DEFAULT '',
  ADD COLUMN outcome text NOT NULL DEFAULT 'done',
  ADD COLUMN text text NOT NULL DEFAULT '',
  ADD COLUMN seq bigint,
  ADD COLUMN hash bytea;

CREATE INDEX audit_by_time ON audit (at, id);
CREATE INDEX audit_by_seq ON audit (seq) WHERE seq IS NOT NULL;
CREATE INDEX audit_unlinked ON audit (id) WHERE seq IS NULL;
CREATE INDEX audit_forgotten ON audit (at, id) WHERE action = 'audit.forget';

-- The last entry that has its place. One row; whoever links holds it.
CREATE TABLE audit_head (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  seq bigint NOT NULL,
  hash bytea NOT NULL
);
