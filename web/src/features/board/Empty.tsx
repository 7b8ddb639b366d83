/** A board without rows: is it quiet, or is it deaf? Says what is known and what to do next. */
import { type Show, useConnectors, useHealth, useLastAlert } from "../../app/queries";
import { troubled } from "../../components/Banners";
import { CopyCommand } from "../../components/Copy";
import { en } from "../../en";
import { ago } from "../../lib/age";
import { useNow } from "../../lib/ticker";

export function Empty({ show }: { show: Show }) {
  const last = useLastAlert(true);
  const connectors = useConnectors();
  const health = useHealth();
  const now = useNow();
  const alert = last.data?.items[0];
  const ill =
    (health.data && health.data.system_status !== "healthy") ||
    troubled(connectors.data?.items ?? []).length > 0;
  return (
    <div className="empty" data-testid="empty">
      <p className="empty-lead">{show === "active" ? en.empty.none : en.empty.none_recent}</p>
      {last.isError && <p className="bad">{en.empty.unknownAlert}</p>}
      {last.data && !alert && <p className="bad">{en.empty.neverAlert}</p>}
      {alert && <p>{en.empty.lastAlert(ago(alert.last_event_at, now), alert.integration)}</p>}
      {connectors.isError && <p className="bad">{en.empty.unknownConnectors}</p>}
      {ill && <p className="bad">{en.empty.broken}</p>}
      <p>{en.empty.test}:</p>
      <CopyCommand text="im send --title 'Test alert' --severity low" />
    </div>
  );
}
