-- Who may (TR-5): a token or session may have a role in place of scopes, act for some teams alone, and belong to a user
-- of the configuration, whose role and teams then hold as they are when it is used.
ALTER TABLE api_token
  ADD COLUMN role text NOT NULL DEFAULT '',
  ADD COLUMN teams text[] NOT NULL DEFAULT '{}',
  ADD COLUMN user_id text NOT NULL DEFAULT '',
  ADD COLUMN made_by text NOT NULL DEFAULT '';
ALTER TABLE session
  ADD COLUMN role text NOT NULL DEFAULT '',
  ADD COLUMN teams text[] NOT NULL DEFAULT '{}',
  ADD COLUMN user_id text NOT NULL DEFAULT '';
