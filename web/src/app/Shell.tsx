/** Around every page: skip link, how fresh it is, switches, messages, and the one voice for screen readers. */
import { ActionIcon, Button, Kbd, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { Link, Outlet, useLocation } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { Dialog } from "../components/Dialog";
import { FreshnessBadge, StaleBand } from "../components/Freshness";
import { utc } from "../components/Time";
import { en } from "../en";
import { singleKeys, useHotkeys } from "../lib/hotkeys";
import { count } from "../lib/order";
import { spoken } from "../lib/speak";
import { useStore } from "../lib/store";
import { ActsProvider } from "./acts";
import { useBoard, useWhoami } from "./queries";

export function Shell() {
  const [sheet, setSheet] = useState(false);
  const path = useLocation({ select: (location) => location.pathname });
  useHotkeys({ "?": () => setSheet(true) });
  return (
    <ActsProvider>
      <a className="skip" href="#main">
        {path === "/" ? en.app.skip : en.app.skipDetail}
      </a>
      <Badge />
      <header className="sticky">
        <div className="top">
          <Link to="/" className="brand" aria-label={`${en.app.name}: ${en.app.home}`}>
            {en.app.name}
          </Link>
          <Demo />
          <FreshnessBadge />
          <span className="grow" />
          <UtcSwitch />
          <SchemeSwitch />
          <ActionIcon
            className="icon keys"
            variant="subtle"
            aria-label={en.app.keys}
            onClick={() => setSheet(true)}
          >
            <Kbd>?</Kbd>
          </ActionIcon>
        </div>
        <StaleBand />
      </header>
      <main id="main" tabIndex={-1}>
        <Outlet />
      </main>
      <Voice />
      <Notifications position="top-center" limit={3} />
      {sheet && <KeySheet onClose={() => setSheet(false)} />}
    </ActsProvider>
  );
}

function Voice() {
  const text = useStore(spoken);
  return (
    <div className="offscreen" role="status" aria-live="polite" data-testid="voice">
      {text}
    </div>
  );
}

function Demo() {
  const whoami = useWhoami();
  return whoami.data?.demo ? <span className="demo">{en.app.demo}</span> : null;
}

/** The number of incidents that nobody has taken, where it is seen with the tab in the background. */
function Badge() {
  const board = useBoard("active");
  const open = count(board.data?.items ?? []).unacknowledged;
  useEffect(() => {
    document.title = en.app.title(open);
    const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]");
    if (icon) icon.href = open > 0 ? "/favicon-alert.svg" : "/favicon.svg";
  }, [open]);
  return null;
}

function UtcSwitch() {
  const on = useStore(utc);
  return (
    <button
      type="button"
      className="icon text-icon"
      aria-label={on ? en.app.utcOn : en.app.utcOff}
      title={on ? en.app.utcOn : en.app.utcOff}
      aria-pressed={on}
      onClick={() => utc.set(!on)}
    >
      UTC
    </button>
  );
}

function SchemeSwitch() {
  // Mantine would stop transitions for a moment by a style tag, which the security policy forbids.
  const { setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  const dark = useComputedColorScheme("light") === "dark";
  const label = dark ? en.app.themeToLight : en.app.themeToDark;
  return (
    <ActionIcon
      className="icon"
      variant="subtle"
      aria-label={label}
      title={label}
      onClick={() => setColorScheme(dark ? "light" : "dark")}
    >
      <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" className="stroke">
        {dark ? (
          <>
            <circle cx="10" cy="10" r="3.6" />
            <path d="M10 2v2M10 16v2M2 10h2M16 10h2M4.3 4.3l1.5 1.5M14.2 14.2l1.5 1.5M4.3 15.7l1.5-1.5M14.2 5.8l1.5-1.5" />
          </>
        ) : (
          <path d="M16.5 12.2A7 7 0 0 1 7.8 3.5a7 7 0 1 0 8.7 8.7z" />
        )}
      </svg>
    </ActionIcon>
  );
}

function KeySheet({ onClose }: { onClose: () => void }) {
  const on = useStore(singleKeys);
  return (
    <Dialog title={en.keys.title} onClose={onClose}>
      <dl className="key-list">
        {en.keys.rows.map(([key, what]) => (
          <div key={key}>
            <dt>
              <Kbd>{key}</Kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <label className="check">
        <input
          type="checkbox"
          checked={on}
          onChange={(event) => singleKeys.set(event.currentTarget.checked)}
        />
        {en.keys.single}
      </label>
      <div className="dialog-buttons">
        <Button className="target" variant="default" onClick={onClose}>
          {en.app.close}
        </Button>
      </div>
    </Dialog>
  );
}
