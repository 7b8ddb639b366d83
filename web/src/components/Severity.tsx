/** How bad, in three ways at once: a shape, the word SEV-n and a colour. */
import type { ReactElement } from "react";
import type { Severity } from "../api/types";

const SHAPES: Record<Severity, ReactElement> = {
  critical: <path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z" />,
  high: <path d="M8 1l7 13H1z" />,
  medium: <path d="M8 1l7 7-7 7-7-7z" />,
  low: <circle cx="8" cy="8" r="6.5" />,
};
const MARKS: Record<Severity, ReactElement> = {
  critical: <path d="M8 4v5M8 11v1.2" className="sev-mark" />,
  high: <path d="M8 6v4M8 11.5v1" className="sev-mark" />,
  medium: <path d="M5.5 8h5" className="sev-mark" />,
  low: <circle cx="8" cy="8" r="1.6" className="sev-dot" />,
};

export function SeverityMark({ severity, sev }: { severity: Severity; sev: string }) {
  return (
    <span className={`sev sev-${severity}`}>
      <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
        {SHAPES[severity]}
        {MARKS[severity]}
      </svg>
      {sev}
    </span>
  );
}
