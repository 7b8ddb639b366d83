/** What is wrong right now, and who has it? The first page at 3 AM. */
import { Button, Skeleton, TextInput } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { BOARD_LIMIT } from "../../api/client";
import type { Incident } from "../../api/types";
import { useActs } from "../../app/acts";
import { useAttempts, useBoard, withAttempt } from "../../app/queries";
import { Banners } from "../../components/Banners";
import { en } from "../../en";
import { useHotkeys } from "../../lib/hotkeys";
import { count, matches, ordered, settle } from "../../lib/order";
import { Empty } from "./Empty";
import { Row } from "./Row";

/** Scrolled this far (px) a person reads the list; nothing may move under the finger. */
const TOP = 80;

function useScrolled(): boolean {
  const [scrolled, setScrolled] = useState(false);
  useEffect(() => {
    const look = () => setScrolled(window.scrollY > TOP);
    window.addEventListener("scroll", look, { passive: true });
    return () => window.removeEventListener("scroll", look);
  }, []);
  return scrolled;
}

export function Board() {
  const { q = "", show = "active" } = useSearch({ from: "/" });
  const navigate = useNavigate({ from: "/" });
  const board = useBoard(show);
  const attempts = useAttempts();
  const shown = useRef<string[]>([]);
  const scrolled = useScrolled();

  const all = (board.data?.items ?? []).map((incident) => withAttempt(incident, attempts));
  const sorted = ordered(all.filter((incident) => matches(incident, q)));
  const { rows, waiting } = settle(sorted, shown.current, scrolled);
  useEffect(() => {
    shown.current = rows.map((incident) => incident.name);
  });

  const search = (next: { q?: string; show?: "active" | "recent" }) =>
    void navigate({ search: (old) => clean({ ...old, ...next }), replace: true });
  const filter = useRef<HTMLInputElement>(null);
  const current = useCursor(rows, filter);

  return (
    <>
      <Banners />
      <div className="board-head">
        <h1>{en.board.heading}</h1>
        {board.data && <Counters items={all} />}
      </div>
      <div className="filter-line">
        <TextInput
          ref={filter}
          className="filter"
          type="search"
          aria-label={en.board.filter}
          placeholder={en.board.filterHint}
          value={q}
          onChange={(event) => search({ q: event.currentTarget.value })}
          onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
        />
        <fieldset className="toggle" aria-label={en.board.heading}>
          {(["active", "recent"] as const).map((option) => (
            <button
              key={option}
              type="button"
              aria-pressed={show === option}
              onClick={() => search({ show: option })}
            >
              {option === "active" ? en.board.showActive : en.board.showRecent}
            </button>
          ))}
        </fieldset>
      </div>
      {waiting.length > 0 && <NewRows waiting={waiting} />}
      {board.isPending && <Waiting failed={board.failureCount > 0} why={board.failureReason?.message} />}
      {board.isError && !board.data && <p className="banner banner-bad">{board.error.message}</p>}
      {board.data && all.length === 0 && <Empty show={show} />}
      {all.length > 0 && sorted.length === 0 && (
        <p className="empty">
          {en.board.noMatch(all.length)}{" "}
          <button type="button" className="linklike" onClick={() => search({ q: "" })}>
            {en.board.clearFilter}
          </button>
        </p>
      )}
      <ul className="rows" aria-label={en.board.listLabel}>
        {rows.map((incident) => (
          <Row
            key={incident.name}
            incident={incident}
            attempt={attempts.get(incident.name)}
            current={incident.name === current}
          />
        ))}
      </ul>
      {board.data?.next_cursor && <p className="hint">{en.board.more(BOARD_LIMIT)}</p>}
    </>
  );
}

/** Keeps the address short: what is the default is not written. */
function clean(search: { q?: string; show?: "active" | "recent" }) {
  return {
    ...(search.q ? { q: search.q } : {}),
    ...(search.show === "recent" ? { show: search.show } : {}),
  };
}

/** The current row is remembered by name, so that a newcomer above does not change what `a` acknowledges. */
function useCursor(rows: Incident[], filter: React.RefObject<HTMLInputElement | null>): string | null {
  const [name, setName] = useState<string | null>(null);
  const navigate = useNavigate();
  const acts = useActs();
  const index = rows.findIndex((incident) => incident.name === name);
  const move = (by: number) => {
    const next = rows[index === -1 ? 0 : Math.min(rows.length - 1, Math.max(0, index + by))];
    if (!next) return;
    setName(next.name);
    const row = document.getElementById(`row-${next.name}`);
    row?.scrollIntoView({ block: "nearest" });
    row?.querySelector<HTMLElement>("a")?.focus({ preventScroll: true });
  };
  const incident = rows[index];
  const open = (hash?: string) =>
    incident && void navigate({ to: "/i/$name", params: { name: incident.name }, ...(hash ? { hash } : {}) });
  useHotkeys({
    j: () => move(1),
    k: () => move(-1),
    a: () => incident && acts.acknowledge(incident),
    r: () => incident && acts.resolve(incident),
    n: () => open("note"),
    "/": () => filter.current?.focus(),
  });
  return incident ? name : null;
}

function Counters({ items }: { items: Incident[] }) {
  const counts = count(items);
  return (
    <p className="counters">
      <span className={counts.unacknowledged > 0 ? "counter counter-open" : "counter"}>
        <b className="tabular" data-testid="count-unacknowledged">
          {counts.unacknowledged}
        </b>{" "}
        {en.board.unacknowledged}
      </span>
      <span className="counter">
        <b className="tabular" data-testid="count-acknowledged">
          {counts.acknowledged}
        </b>{" "}
        {en.board.acknowledged}
      </span>
    </p>
  );
}

function NewRows({ waiting }: { waiting: Incident[] }) {
  const worst = ordered(waiting)[0];
  const up = () => window.scrollTo({ top: 0 });
  return (
    <div className="new-rows">
      <Button className="target" onClick={up} data-testid="new-rows">
        {en.board.newRows(waiting.length)}
        {worst ? en.board.newWorst(worst.sev) : ""}
      </Button>
    </div>
  );
}

function Waiting({ failed, why }: { failed: boolean; why: string | undefined }) {
  return (
    <div aria-busy="true" className="skeletons">
      {failed && <p className="banner banner-bad">{why}</p>}
      <Skeleton height={56} animate={!failed} />
      <Skeleton height={56} animate={!failed} />
      <Skeleton height={56} animate={!failed} />
    </div>
  );
}
