/** How does the page talk to the hub: one fetch, one error, and the hub's own clock. */
import { en } from "../en";
import { clock } from "../lib/clock";
import type { Alert, Connector, Health, Incident, PageOf, Problem, TimelineLine, Whoami } from "./types";

/** What went wrong, in words for the person; `status` 0 means that the hub did not answer at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly hint: string = "",
  ) {
    super(message);
  }
}

const TIMEOUT_MS = 10_000;

async function problemOf(response: Response): Promise<ApiError> {
  const fallback = en.errors.status(response.status);
  try {
    const problem = (await response.json()) as Partial<Problem>;
    return new ApiError(response.status, problem.detail || problem.title || fallback, problem.hint ?? "");
  } catch {
    return new ApiError(response.status, fallback);
  }
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-Tocsin"] = "1";
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const init: RequestInit = { method, headers, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) init.body = JSON.stringify(body);
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch {
    throw new ApiError(0, en.errors.unreachable);
  }
  clock.learn(response.headers.get("date"));
  if (!response.ok) throw await problemOf(response);
  if (response.status === 204) return undefined as T;
  try {
    return (await response.json()) as T;
  } catch {
    // A proxy's own page with status 200, or an answer cut short: neither is an answer of the hub.
    throw new ApiError(0, en.errors.notTheHub);
  }
}

const enc = encodeURIComponent;

export type Act = "acknowledge" | "resolve" | "reopen";
export const BOARD_LIMIT = 500;

export const api = {
  incidents: (statuses: string) =>
    call<PageOf<Incident>>("GET", `/incidents?status=${enc(statuses)}&limit=${BOARD_LIMIT}`),
  incident: (name: string) => call<Incident>("GET", `/incidents/${enc(name)}`),
  timeline: (name: string) => call<PageOf<TimelineLine>>("GET", `/incidents/${enc(name)}/timeline?limit=500`),
  alertsOf: (name: string) => call<PageOf<Alert>>("GET", `/incidents/${enc(name)}/alerts?limit=100`),
  lastAlert: () => call<PageOf<Alert>>("GET", "/alerts?limit=1"),
  connectors: () => call<PageOf<Connector>>("GET", "/connectors?limit=500"),
  health: () => call<Health>("GET", "/health"),
  whoami: () => call<Whoami>("GET", "/whoami"),
  act: (name: string, act: Act, note?: string) =>
    call<Incident>("POST", `/incidents/${enc(name)}/${act}`, note ? { note } : {}),
  note: (name: string, text: string) => call<unknown>("POST", `/incidents/${enc(name)}/notes`, { text }),
  session: (code: string) => call<unknown>("POST", "/session", { code }),
};
