/** One incident on the board: a dense row on a desk, a card with a wide button on a phone. */
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { memo } from "react";
import type { Incident } from "../../api/types";
import { useActs } from "../../app/acts";
import type { Attempt } from "../../app/queries";
import { SeverityMark } from "../../components/Severity";
import { StatusPill } from "../../components/Status";
import { Age } from "../../components/Time";
import { en } from "../../en";
import { between, length } from "../../lib/age";
import { can, type Pending } from "../../lib/optimistic";
import { isActive } from "../../lib/order";

/** How fast the first provider took the page, or why none did: a page that nobody got is the worst news of the row. */
export function paging(incident: Incident): { text: string; bad: boolean } | null {
  const accepted = incident.providers
    .filter((page) => page.accepted_at !== null)
    .sort((a, b) => between(b.accepted_at as string, a.accepted_at as string))[0];
  const stuck = incident.providers.find((page) => page.waiting > 0);
  if (stuck) return { text: en.board.waiting(stuck.waiting, stuck.connector), bad: !accepted };
  if (accepted?.accepted_at) {
    return {
      text: en.board.pagedIn(length(between(incident.opened_at, accepted.accepted_at)), accepted.connector),
      bad: false,
    };
  }
  return incident.providers.length > 0 ? { text: en.board.notPaged, bad: true } : null;
}

interface Props {
  incident: Incident;
  attempt: (Attempt & Pending) | undefined;
  current: boolean;
}

export const Row = memo(function Row({ incident, attempt, current }: Props) {
  const acts = useActs();
  const paged = paging(incident);
  const owner = incident.assignee || incident.acknowledged_by;
  const failed = attempt?.failure && can(attempt.act, incident.status);
  return (
    <li
      id={`row-${incident.name}`}
      className={`row bar-${incident.severity} row-${incident.status}`}
      aria-current={current || undefined}
      data-testid="row"
    >
      <SeverityMark severity={incident.severity} sev={incident.sev} />
      <div className="row-text">
        <Link to="/i/$name" params={{ name: incident.name }} className="row-title" preload="intent">
          {incident.title}
        </Link>
        <p className="row-sub">
          <span>{incident.name}</span>
          <span>{incident.services.join(", ") || "–"}</span>
          <span>{en.board.alerts(incident.alerts, incident.repeats)}</span>
          {owner && <span>{owner}</span>}
          {paged && <span className={paged.bad ? "bad" : undefined}>{paged.text}</span>}
        </p>
        {failed && (
          <p className="failure" data-testid="row-failure">
            {en.board.failedAct(en.failed[attempt.act](incident.name), attempt.failure)}
          </p>
        )}
      </div>
      <span className="row-age">
        <Age at={incident.opened_at} />
      </span>
      <StatusPill status={incident.status} shown={incident.status_shown} />
      <span className="row-act">
        {incident.status === "open" ? (
          <Button
            className="target ack"
            onClick={() => acts.acknowledge(incident)}
            aria-label={en.board.acknowledgeOf(incident.name, incident.title)}
          >
            {en.board.acknowledge}
          </Button>
        ) : (
          isActive(incident.status) && attempt?.pending && <span className="hint">{en.board.sending}</span>
        )}
      </span>
    </li>
  );
});
