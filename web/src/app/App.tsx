/** Puts the parts together: data, stream, pages; or the page that says how to get in. */
import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { Access } from "../features/access/Access";
import { useStore } from "../lib/store";
import type { SharedStream } from "../lib/stream";
import { startLive } from "./live";
import { access, makeClient } from "./queries";
import { loadIncident, router } from "./router";
import { theme } from "./theme";

let stream: SharedStream | null = null;
const client = makeClient(() => stream?.answered());

export function App() {
  const refused = useStore(access);
  // The provider injects no style tag: variables and classes come from the style sheet, as the security policy asks.
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      withCssVariables={false}
      withGlobalClasses={false}
    >
      <QueryClientProvider client={client}>
        {refused ? <Access reason={refused.reason} /> : <Live />}
      </QueryClientProvider>
    </MantineProvider>
  );
}

function Live() {
  const [ready, setReady] = useState(false);
  useEffect(() => {
    stream = startLive(client);
    setReady(true);
    // The second page is fetched while nothing else happens: in an outage it must already be here.
    const idle = setTimeout(() => void loadIncident().catch(() => undefined), 1_500);
    return () => {
      clearTimeout(idle);
      stream?.stop();
      stream = null;
    };
  }, []);
  return ready ? <RouterProvider router={router} /> : null;
}
