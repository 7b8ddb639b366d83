/** Which address shows what? Filters live in the address, so that a view can be sent to somebody. */
import {
  createRootRoute,
  createRoute,
  createRouter,
  type ErrorComponentProps,
  lazyRouteComponent,
} from "@tanstack/react-router";
import { en } from "../en";
import { Board } from "../features/board/Board";
import { Shell } from "./Shell";

const root = createRootRoute({
  component: Shell,
  notFoundComponent: () => <p className="empty">{en.app.notFound}</p>,
});

interface BoardSearch {
  q?: string;
  show?: "active" | "recent";
}

const board = createRoute({
  getParentRoute: () => root,
  path: "/",
  component: Board,
  validateSearch: (search: Record<string, unknown>): BoardSearch => ({
    // A search of "500" arrives as a number.
    ...(search.q !== undefined && search.q !== "" ? { q: String(search.q) } : {}),
    ...(search.show === "recent" ? { show: "recent" as const } : {}),
  }),
});

export const loadIncident = () => import("../features/incident/Page");

const incident = createRoute({
  getParentRoute: () => root,
  path: "/i/$name",
  component: lazyRouteComponent(loadIncident, "IncidentPage"),
});

function Crashed({ error }: ErrorComponentProps) {
  return (
    <div className="empty">
      <p>{en.app.crashed}</p>
      <p className="failure">{error instanceof Error ? error.message : String(error)}</p>
      <a className="target-link" href={window.location.href}>
        {en.app.reload}
      </a>
    </div>
  );
}

export const router = createRouter({
  routeTree: root.addChildren([board, incident]),
  defaultErrorComponent: Crashed,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
