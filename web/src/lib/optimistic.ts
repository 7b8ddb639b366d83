/** What will the incident look like once the act under way has worked? Drawn over what is known, never stored. */
import type { Act } from "../api/client";
import type { Incident, Status } from "../api/types";
import { en } from "../en";

export interface Pending {
  name: string;
  act: Act;
}

const RESULT: Record<Act, Status> = { acknowledge: "mitigated", resolve: "resolved", reopen: "open" };

/** An acknowledgement does not undo a resolve that arrived meanwhile. */
const APPLIES: Record<Act, readonly Status[]> = {
  acknowledge: ["open"],
  resolve: ["open", "mitigated"],
  reopen: ["resolved", "closed", "mitigated"],
};

export const can = (act: Act, status: Status): boolean => APPLIES[act].includes(status);

export function overlay(incident: Incident, { act }: Pending): Incident {
  if (!can(act, incident.status)) return incident;
  const status = RESULT[act];
  return { ...incident, status, status_shown: en.status[status] };
}
