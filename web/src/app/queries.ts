/** What does the page ask the hub, how often, and what happens when somebody presses Acknowledge? */
import {
  MutationCache,
  QueryCache,
  QueryClient,
  useMutation,
  useMutationState,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { type Act, ApiError, api } from "../api/client";
import type { Incident, PageOf, Status } from "../api/types";
import { en } from "../en";
import { isPolling, POLL_MS, SAFETY_MS } from "../lib/freshness";
import { overlay, type Pending } from "../lib/optimistic";
import { recent, upToDate } from "../lib/recent";
import { patchConnectors, patchIncident, patchList, patchTimeline } from "../lib/reducer";
import { say } from "../lib/speak";
import { Store, useStore } from "../lib/store";
import { link } from "./link";

export const BOARDS = {
  active: ["open", "mitigated"],
  recent: ["open", "mitigated", "resolved", "closed"],
} as const satisfies Record<string, readonly Status[]>;
export type Show = keyof typeof BOARDS;

export const keys = {
  incidents: (show: Show) => ["incidents", show] as const,
  incident: (name: string) => ["incident", name] as const,
  timeline: (name: string) => ["timeline", name] as const,
  alertsOf: (name: string) => ["alerts", name] as const,
  lastAlert: ["lastAlert"] as const,
  connectors: ["connectors"] as const,
  health: ["health"] as const,
  whoami: ["whoami"] as const,
};

/** Null while the person is let in; else why not. */
export const access = new Store<{ reason: string } | null>(null);

export function makeClient(answered: () => void): QueryClient {
  const refused = (error: unknown) => {
    if (!(error instanceof ApiError)) return;
    if (error.status === 401) access.set({ reason: "" });
    // Any problem document is a word from the hub; only silence is not.
    if (error.status > 0 && error.status < 500) answered();
  };
  const again = (failures: number, error: Error) =>
    error instanceof ApiError && (error.status === 0 || error.status >= 500) && failures < 1;
  return new QueryClient({
    queryCache: new QueryCache({ onError: refused, onSuccess: answered }),
    mutationCache: new MutationCache({ onError: refused, onSuccess: answered }),
    defaultOptions: {
      // "always": the browser's idea of being online says nothing about a hub in the same building.
      queries: { staleTime: 5_000, retry: again, retryDelay: 1_000, networkMode: "always" },
      mutations: { networkMode: "always" },
    },
  });
}

/** Once a minute while the stream stands, every 10 s while it does not. */
function useInterval(): number {
  return isPolling(useStore(link)) ? POLL_MS : SAFETY_MS;
}

const background = { refetchIntervalInBackground: true } as const;

export function useBoard(show: Show) {
  const refetchInterval = useInterval();
  const queryFn = () =>
    upToDate(
      () => api.incidents(BOARDS[show].join(",")),
      (list, batch) => patchList(list, batch.incidents, BOARDS[show]),
    );
  return useQuery({ queryKey: keys.incidents(show), queryFn, refetchInterval, ...background });
}

const fetchConnectors = () =>
  upToDate(api.connectors, (list, batch) => patchConnectors(list, batch.connectors));

export function useConnectors() {
  const refetchInterval = useInterval();
  return useQuery({ queryKey: keys.connectors, queryFn: fetchConnectors, refetchInterval });
}

export function useHealth() {
  return useQuery({ queryKey: keys.health, queryFn: api.health, refetchInterval: 30_000 });
}

export function useLastAlert(enabled: boolean) {
  const refetchInterval = useInterval();
  return useQuery({ queryKey: keys.lastAlert, queryFn: api.lastAlert, refetchInterval, enabled });
}

export function useWhoami() {
  return useQuery({ queryKey: keys.whoami, queryFn: api.whoami, staleTime: Number.POSITIVE_INFINITY });
}

export function useIncident(name: string) {
  const refetchInterval = useInterval();
  const client = useQueryClient();
  return useQuery({
    queryKey: keys.incident(name),
    queryFn: () =>
      upToDate(
        () => api.incident(name),
        (answer, batch) => patchIncident(answer, batch.incidents.get(name) ?? answer),
      ),
    refetchInterval,
    // From the board there is something true to show before the answer comes.
    placeholderData: () =>
      (["active", "recent"] as const)
        .flatMap((show) => client.getQueryData<PageOf<Incident>>(keys.incidents(show))?.items ?? [])
        .find((incident) => incident.name === name),
  });
}

export function useTimeline(name: string) {
  const queryFn = () =>
    upToDate(
      () => api.timeline(name),
      (list, batch) => patchTimeline(list, batch.lines.get(name) ?? []),
    );
  const refetchInterval = useInterval();
  return useQuery({ queryKey: keys.timeline(name), queryFn, refetchInterval });
}

export function useAlertsOf(name: string) {
  const refetchInterval = useInterval();
  return useQuery({ queryKey: keys.alertsOf(name), queryFn: () => api.alertsOf(name), refetchInterval });
}

/** Put a fresh incident wherever it is shown. */
export function learn(client: QueryClient, incident: Incident): void {
  recent.add({ name: "incident", data: incident });
  const one = new Map([[incident.name, incident]]);
  for (const show of Object.keys(BOARDS) as Show[]) {
    client.setQueryData<PageOf<Incident>>(
      keys.incidents(show),
      (list) => list && patchList(list, one, BOARDS[show]),
    );
  }
  client.setQueryData<Incident>(keys.incident(incident.name), (known) => patchIncident(known, incident));
  void client.invalidateQueries({ queryKey: keys.timeline(incident.name) });
  void client.invalidateQueries({ queryKey: keys.alertsOf(incident.name) });
}

const SAID: Record<Act, (name: string) => string> = {
  acknowledge: en.say.acknowledged,
  resolve: en.say.resolved,
  reopen: en.say.reopened,
};

export function useAct() {
  const client = useQueryClient();
  return useMutation({
    mutationKey: ["act"],
    mutationFn: ({ name, act }: Pending) => api.act(name, act),
    // Doing it twice is doing it once, so silence is answered by asking again.
    retry: (failures, error) =>
      error instanceof ApiError && (error.status === 0 || error.status >= 500) && failures < 2,
    retryDelay: 1_500,
    onSuccess: (incident, { name, act }) => {
      learn(client, incident);
      say(SAID[act](name));
    },
    onError: (error, { name, act }) => say(`${en.failed[act](name)}: ${error.message}`),
  });
}

export interface Attempt {
  pending: boolean;
  failure: string;
}

/** The newest attempt on each incident: what is under way shows as done, what failed says so beside the row. */
export function useAttempts(): Map<string, Attempt & Pending> {
  const states = useMutationState({
    filters: { mutationKey: ["act"] },
    select: (mutation) => mutation.state,
  });
  const newest = new Map<string, Attempt & Pending>();
  for (const state of states) {
    const variables = state.variables as Pending | undefined;
    if (!variables) continue;
    const failure = state.status === "error" ? (state.error?.message ?? "") : "";
    newest.set(variables.name, { ...variables, pending: state.status === "pending", failure });
  }
  return newest;
}

export function withAttempt(incident: Incident, attempts: ReadonlyMap<string, Attempt & Pending>): Incident {
  const attempt = attempts.get(incident.name);
  return attempt?.pending ? overlay(incident, attempt) : incident;
}
