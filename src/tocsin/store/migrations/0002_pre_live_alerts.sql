-- Nobody looks up a live alert by its id alone; PostgreSQL read all of this index instead of looking up by key, wherever
-- its statistics said that hardly any alert is live.
DROP INDEX IF EXISTS alert_live;
