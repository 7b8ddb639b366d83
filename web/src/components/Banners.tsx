/** What is broken between the alert and the person? Said before the list, whatever the list shows. */

import type { Connector } from "../api/types";
import { useConnectors, useHealth } from "../app/queries";
import { en } from "../en";
import { ago, timeOfDay } from "../lib/age";
import { useStore } from "../lib/store";
import { useNow } from "../lib/ticker";
import { utc } from "./Time";

export const troubled = (connectors: readonly Connector[]): Connector[] =>
  connectors.filter((connector) => connector.enabled && connector.breaker.state !== "closed");

function sentenceOf(connector: Connector, now: number, inUtc: boolean): string {
  const { breaker, name, type } = connector;
  if (breaker.state === "half_open") return en.banner.breakerHalf(name, type);
  const parts = [en.banner.breakerOpen(name, type, ago(breaker.opened_at, now))];
  if (connector.queue > 0) parts.push(en.banner.queue(connector.queue));
  if (breaker.next_probe_at) parts.push(en.banner.probe(timeOfDay(breaker.next_probe_at, inUtc)));
  if (connector.last_error) parts.push(en.banner.lastError(connector.last_error));
  return parts.join(" ");
}

export function Banners() {
  const connectors = useConnectors();
  const health = useHealth();
  const now = useNow();
  const inUtc = useStore(utc);
  const status = health.data?.system_status;
  const reasons = (health.data?.reasons ?? []).join("; ");
  return (
    <div className="banners">
      {status === "unhealthy" && <p className="banner banner-bad">{en.banner.unhealthy(reasons)}</p>}
      {status === "degraded" && <p className="banner">{en.banner.degraded(reasons)}</p>}
      {troubled(connectors.data?.items ?? []).map((connector) => (
        <p
          key={connector.name}
          className={connector.breaker.state === "open" ? "banner banner-bad" : "banner"}
          data-testid="breaker-banner"
        >
          {sentenceOf(connector, now, inUtc)}
        </p>
      ))}
    </div>
  );
}
