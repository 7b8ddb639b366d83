-- Webhook subscriptions that the hub made or adopted at its providers. The secret of one is no configuration: a file that
-- is applied cannot know it (ADR 0030).
CREATE TABLE webhook_subscription (
  connector text NOT NULL,
  id text NOT NULL,
  setting text NOT NULL DEFAULT '',
  sealed bytea,
  made_at timestamptz NOT NULL,
  pinged_at timestamptz,
  heard_at timestamptz,
  deliveries bigint NOT NULL DEFAULT 0,
  wrong bigint NOT NULL DEFAULT 0,
  leaving boolean NOT NULL DEFAULT false,
  PRIMARY KEY (connector, id)
);
