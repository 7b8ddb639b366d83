/** What happened, in which order, by whom, and how long did each step take? */
import { At } from "../../components/Time";
import { en } from "../../en";
import { delta, length } from "../../lib/age";
import type { Mark } from "../../lib/latency";

/** Failures stand out by a sign and a word, not by colour alone. */
const BAD = new Set([
  "page_failed",
  "failed_over",
  "delivery_failed",
  "not_written",
  "not_told",
  "unreachable",
  "rule_failed",
  "last_resort",
]);

export function Timeline({ marks }: { marks: readonly Mark[] }) {
  if (marks.length === 0) return <p className="hint">{en.incident.timelineEmpty}</p>;
  return (
    <ol className="timeline" data-testid="timeline">
      {marks.map(({ line, step }, index) => (
        <li key={line.id} className={`mark mark-${line.kind} ${BAD.has(line.kind) ? "mark-bad" : ""}`}>
          <span className="mark-dot" aria-hidden="true">
            {BAD.has(line.kind) ? "!" : ""}
          </span>
          <span className="mark-time">
            <At at={line.at} />
            {index > 0 && <span className="mark-step tabular">{delta(step)}</span>}
          </span>
          <span className="mark-text">
            <span>{line.text}</span>
            <span className="mark-sub">
              {line.actor && <span>{line.actor}</span>}
              {line.took_ms !== null && (
                <span className="tabular">{en.incident.took(length(line.took_ms))}</span>
              )}
              {line.reason && <span>{line.reason.replaceAll("_", " ")}</span>}
            </span>
          </span>
        </li>
      ))}
    </ol>
  );
}
