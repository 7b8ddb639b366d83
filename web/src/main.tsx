/** Starts the page: trade the one-time code for a session, clean the address, draw. */
import "./styles/mantine";
import "./styles/tokens.css";
import "./styles/shell.css";
import "./styles/board.css";
import "./styles/incident.css";
import "./styles/narrow.css";
import { createRoot } from "react-dom/client";
import { ApiError, api } from "./api/client";
import { App } from "./app/App";
import { access } from "./app/queries";
import { en } from "./en";

/** The code leaves the address before anything else happens, so that it is in no history, referrer or screenshot. */
function takeCode(): string | null {
  const url = new URL(window.location.href);
  const code = url.searchParams.get("code");
  if (code === null) return null;
  url.searchParams.delete("code");
  window.history.replaceState(null, "", url.pathname + url.search + url.hash);
  return code;
}

async function enter(code: string): Promise<void> {
  try {
    await api.session(code);
  } catch (error) {
    const refused = error instanceof ApiError && error.status >= 400 && error.status < 500;
    // A link opened twice in a browser that has a session is no reason to lock the person out.
    if (
      await api.whoami().then(
        () => true,
        () => false,
      )
    )
      return;
    access.set({ reason: refused ? en.access.used : en.access.failed + (error as Error).message });
  }
}

const code = takeCode();
if (code !== null) await enter(code);
const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);
