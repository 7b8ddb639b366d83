/** Who outside holds this incident, how far did the page get there, and does that provider answer at all? */
import type { Connector, ProviderPage } from "../../api/types";
import { useConnectors } from "../../app/queries";
import { Ago, At } from "../../components/Time";
import { en } from "../../en";
import { safeHref } from "../../lib/cli";

const RUNGS = ["accepted_at", "created_at", "notified_at", "acknowledged_at"] as const;

export function Providers({ pages }: { pages: readonly ProviderPage[] }) {
  const connectors = useConnectors();
  return (
    <section className="panel" aria-labelledby="providers-title">
      <h2 id="providers-title">{en.incident.providers}</h2>
      {pages.length === 0 && <p className="bad">{en.incident.providersNone}</p>}
      {pages.map((page) => (
        <Provider
          key={`${page.connector}/${page.service}/${page.recipient}`}
          page={page}
          connector={connectors.data?.items.find((candidate) => candidate.name === page.connector)}
        />
      ))}
    </section>
  );
}

function Provider({ page, connector }: { page: ProviderPage; connector: Connector | undefined }) {
  const href = safeHref(page.remote_url);
  const breaker = connector?.breaker.state;
  return (
    <div className="provider" data-testid="provider">
      <h3>
        {page.connector} <span className={`remote remote-${page.status}`}>{page.status}</span>
      </h3>
      <p className="row-sub">
        <span>{page.type}</span>
        {page.service && <span>{page.service}</span>}
        {page.recipient && <span>{page.recipient}</span>}
        <span className={breaker && breaker !== "closed" ? "bad" : undefined}>
          {breaker ? en.incident.breaker[breaker] : en.incident.connectorUnknown}
        </span>
        {page.waiting > 0 && <span className="bad">{en.incident.waiting(page.waiting)}</span>}
      </p>
      <ol className="rungs">
        {RUNGS.map((rung) => (
          <li key={rung} className={page[rung] ? "rung rung-done" : "rung"}>
            <span>{en.incident.rungs[rung]}</span>
            {page[rung] ? <At at={page[rung]} /> : <span>{en.incident.notYet}</span>}
          </li>
        ))}
      </ol>
      {page.last_error && <p className="failure">{page.last_error}</p>}
      {breaker === "open" && connector?.breaker.opened_at && (
        <p className="failure">
          {en.incident.breaker.open} <Ago at={connector.breaker.opened_at} />
        </p>
      )}
      {href && (
        <a className="target-link" href={href} target="_blank" rel="noreferrer noopener">
          {en.incident.remote(page.type)} {page.remote_id} <span aria-hidden="true">↗</span>
        </a>
      )}
    </div>
  );
}
