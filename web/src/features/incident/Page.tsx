/** What broke, since when, who knows, and what happens next? */
import { Button, Skeleton } from "@mantine/core";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useRef } from "react";
import { ApiError } from "../../api/client";
import type { Incident } from "../../api/types";
import { useActs } from "../../app/acts";
import { useAlertsOf, useAttempts, useIncident, useTimeline, withAttempt } from "../../app/queries";
import { Banners } from "../../components/Banners";
import { CopyCommand } from "../../components/Copy";
import { Links } from "../../components/Links";
import { SeverityMark } from "../../components/Severity";
import { StatusPill } from "../../components/Status";
import { Age, At } from "../../components/Time";
import { en } from "../../en";
import { command } from "../../lib/cli";
import { useHotkeys } from "../../lib/hotkeys";
import { marks, stops } from "../../lib/latency";
import { can } from "../../lib/optimistic";
import { isActive } from "../../lib/order";
import { useNow } from "../../lib/ticker";
import { Alerts } from "./Alerts";
import { LatencyBar } from "./LatencyBar";
import { NoteForm } from "./NoteForm";
import { Providers } from "./Providers";
import { Timeline } from "./Timeline";

export function IncidentPage() {
  const { name } = useParams({ from: "/i/$name" });
  const incident = useIncident(name);
  if (incident.data) return <Loaded known={incident.data} />;
  return (
    <>
      <BackLink />
      {incident.isError ? (
        <p className="banner banner-bad">{whyMissing(name, incident.error)}</p>
      ) : (
        <div aria-busy="true" className="skeletons">
          {incident.failureReason && <p className="banner banner-bad">{incident.failureReason.message}</p>}
          <Skeleton height={40} />
          <Skeleton height={160} />
        </div>
      )}
    </>
  );
}

const whyMissing = (name: string, error: Error): string =>
  error instanceof ApiError && error.status === 404
    ? en.incident.missing(name)
    : `${en.incident.loadFailed}: ${error.message}`;

function BackLink() {
  return (
    <p className="back">
      <Link to="/" className="target-link">
        <span aria-hidden="true">←</span> {en.incident.back}
      </Link>
    </p>
  );
}

function Loaded({ known }: { known: Incident }) {
  const attempts = useAttempts();
  const incident = withAttempt(known, attempts);
  const attempt = attempts.get(incident.name);
  const timeline = useTimeline(incident.name);
  const alerts = useAlertsOf(incident.name);
  const acts = useActs();
  const navigate = useNavigate();
  const note = useRef<HTMLTextAreaElement>(null);
  useHotkeys({
    a: () => acts.acknowledge(incident),
    r: () => acts.resolve(incident),
    n: () => note.current?.focus(),
    esc: () => void navigate({ to: "/" }),
  });
  const lines = marks(timeline.data?.items ?? []);
  const failed = attempt?.failure && can(attempt.act, incident.status);
  return (
    <article className="incident">
      <BackLink />
      <Banners />
      <Head incident={incident} />
      {failed && (
        <p className="failure" data-testid="act-failure">
          {en.board.failedAct(en.failed[attempt.act](incident.name), attempt.failure)}
        </p>
      )}
      <Actions incident={incident} />
      <div className="columns">
        <div className="column">
          <LatencyBar stops={stops(lines)} />
          <section className="panel" aria-labelledby="timeline-title">
            <h2 id="timeline-title">{en.incident.timeline}</h2>
            {timeline.isError && !timeline.data && <Failure error={timeline.error} />}
            {timeline.isPending ? <Skeleton height={120} /> : <Timeline marks={lines} />}
            <NoteForm incident={incident.name} field={note} />
          </section>
        </div>
        <div className="column">
          <Providers pages={incident.providers} />
          <section className="panel" aria-labelledby="alerts-title">
            <h2 id="alerts-title">{en.incident.alerts}</h2>
            {alerts.isError && !alerts.data && <Failure error={alerts.error} />}
            {alerts.data && <Alerts alerts={alerts.data.items} />}
          </section>
          <Facts incident={incident} />
        </div>
      </div>
    </article>
  );
}

function Failure({ error }: { error: Error }) {
  return (
    <p className="failure">
      {en.incident.loadFailed}: {error.message}
    </p>
  );
}

function Head({ incident }: { incident: Incident }) {
  return (
    <header className={`incident-head bar-${incident.severity}`}>
      <p className="incident-line">
        <SeverityMark severity={incident.severity} sev={incident.sev} />
        <StatusPill status={incident.status} shown={incident.status_shown} />
        <span>{incident.name}</span>
        <span>
          {en.incident.opened} <At at={incident.opened_at} /> (<Age at={incident.opened_at} />)
        </span>
      </p>
      <h1>{incident.title}</h1>
      {incident.description && <p className="description">{incident.description}</p>}
      <Links links={incident.links} />
      <p className="incident-line">
        {incident.acknowledged_at && (
          <span>
            {en.incident.acknowledgedBy(incident.acknowledged_by || "–")} <At at={incident.acknowledged_at} />
          </span>
        )}
        {incident.resolved_at && (
          <span>
            {en.incident.resolvedBy(incident.resolved_by || "–")} <At at={incident.resolved_at} />
          </span>
        )}
        {isActive(incident.status) && incident.next_step_at && <NextStep at={incident.next_step_at} />}
      </p>
    </header>
  );
}

function NextStep({ at }: { at: string }) {
  const left = Math.ceil((Date.parse(at) - useNow()) / 1000);
  if (left <= 0) return <span className="bad">{en.incident.nextDue}</span>;
  const text = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  return <span className="tabular">{en.incident.next(text)}</span>;
}

function Actions({ incident }: { incident: Incident }) {
  const acts = useActs();
  return (
    <div className="actions" data-testid="actions">
      {can("acknowledge", incident.status) && (
        <Button className="target" onClick={() => acts.acknowledge(incident)}>
          {en.incident.acknowledge}
        </Button>
      )}
      {can("resolve", incident.status) && (
        <Button className="target" variant="default" onClick={() => acts.resolve(incident)}>
          {en.incident.resolve}
        </Button>
      )}
      {!isActive(incident.status) && (
        <Button className="target" variant="default" onClick={() => acts.reopen(incident)}>
          {en.incident.reopen}
        </Button>
      )}
    </div>
  );
}

function Facts({ incident }: { incident: Incident }) {
  const verb = incident.status === "open" ? "ack" : incident.status === "mitigated" ? "resolve" : "show";
  const facts: [string, React.ReactNode][] = [
    [en.incident.services, incident.services.join(", ")],
    [en.incident.team, incident.team],
    [en.incident.assignee, incident.assignee],
    [en.incident.policy, [incident.rule, incident.policy].filter(Boolean).join(" → ")],
    [en.incident.origin, incident.declared ? incident.origin || "yes" : ""],
    [en.incident.recurrence, incident.recurrence_of && <Recurrence name={incident.recurrence_of} />],
    [en.incident.correlation, <code key="id">{incident.correlation_id}</code>],
  ];
  return (
    <section className="panel" aria-label={incident.name}>
      <dl className="facts">
        {facts
          .filter(([, value]) => value)
          .map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        {incident.parts.length > 1 && (
          <div>
            <dt>{en.incident.services}</dt>
            {incident.parts.map((part) => (
              <dd key={part.service}>{en.incident.part(part.service, en.status[part.status])}</dd>
            ))}
          </div>
        )}
      </dl>
      <CopyCommand text={command(verb, incident.name)} />
    </section>
  );
}

function Recurrence({ name }: { name: string }) {
  return (
    <Link to="/i/$name" params={{ name }}>
      {name}
    </Link>
  );
}
