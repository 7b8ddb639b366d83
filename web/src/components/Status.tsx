/** Who has it? A second axis beside severity: solid, outlined, green. */
import type { Status } from "../api/types";
import { en } from "../en";

export function StatusPill({ status, shown }: { status: Status; shown: string }) {
  return <span className={`pill status-${status}`}>{shown || en.status[status]}</span>;
}
