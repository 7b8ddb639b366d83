/** Which alerts make up this incident, and which of them still fire? */
import type { Alert } from "../../api/types";
import { Links } from "../../components/Links";
import { Ago } from "../../components/Time";
import { en } from "../../en";

export function Alerts({ alerts }: { alerts: readonly Alert[] }) {
  if (alerts.length === 0) return <p className="hint">{en.incident.alertsNone}</p>;
  return (
    <ul className="alerts">
      {alerts.map((alert) => (
        <li key={alert.id} className="alert" data-testid="alert">
          <p className="alert-title">
            {alert.title} <span className={`remote remote-alert-${alert.status}`}>{alert.status}</span>
          </p>
          <p className="row-sub">
            <span>{alert.integration}</span>
            <span className="tabular">{en.incident.count(alert.count)}</span>
            <span>
              <Ago at={alert.last_event_at} />
            </span>
            {alert.muted_by && <span>{en.incident.muted(alert.muted_by)}</span>}
          </p>
          {Object.keys(alert.labels).length > 0 && (
            <p className="labels">
              {Object.entries(alert.labels).map(([key, value]) => (
                <code key={key}>
                  {key}={value}
                </code>
              ))}
            </p>
          )}
          <Links links={alert.links} />
        </li>
      ))}
    </ul>
  );
}
