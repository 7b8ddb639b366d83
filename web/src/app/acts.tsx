/** Acknowledge and resolve, the same from a key, a row or the page: one press, and a question only when alerts still fire. */

import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useState } from "react";
import { api } from "../api/client";
import type { Alert, Incident } from "../api/types";
import { Dialog } from "../components/Dialog";
import { en } from "../en";
import { command } from "../lib/cli";
import { can } from "../lib/optimistic";
import { keys, useAct } from "./queries";

interface Acts {
  acknowledge(incident: Incident): void;
  resolve(incident: Incident): void;
  reopen(incident: Incident): void;
}

const Context = createContext<Acts | null>(null);

export function useActs(): Acts {
  const acts = useContext(Context);
  if (!acts) throw new Error("useActs outside ActsProvider");
  return acts;
}

const FIRING: readonly Alert["status"][] = ["queued", "open", "acknowledged"];
/** `firing` is null when the hub could not be asked. */
interface Question {
  incident: Incident;
  firing: number | null;
}

export function ActsProvider({ children }: { children: ReactNode }) {
  const act = useAct();
  const client = useQueryClient();
  const [question, setQuestion] = useState<Question | null>(null);

  const run = (incident: Incident, what: "acknowledge" | "resolve" | "reopen") => {
    if (!can(what, incident.status)) return;
    const verb = what === "acknowledge" ? "ack" : what;
    act.mutate(
      { name: incident.name, act: what },
      {
        onError: (error) =>
          notifications.show({
            id: `${what}-${incident.name}`,
            title: en.failed[what](incident.name),
            message: `${error.message.replace(/\.$/, "")}. ${en.failed.instead(command(verb, incident.name))}`,
            autoClose: false,
            closeButtonProps: { "aria-label": en.app.close },
          }),
      },
    );
  };

  const resolve = async (incident: Incident) => {
    if (!can("resolve", incident.status)) return;
    let firing: number | null;
    try {
      const alerts = await client.fetchQuery({
        queryKey: keys.alertsOf(incident.name),
        queryFn: () => api.alertsOf(incident.name),
        retry: false,
      });
      firing = alerts.items.filter((alert) => FIRING.includes(alert.status)).length;
    } catch {
      firing = null;
    }
    if (firing === 0) run(incident, "resolve");
    else setQuestion({ incident, firing });
  };

  const acts: Acts = {
    acknowledge: (incident) => run(incident, "acknowledge"),
    resolve: (incident) => void resolve(incident),
    reopen: (incident) => run(incident, "reopen"),
  };
  const yes = () => {
    if (question) run(question.incident, "resolve");
    setQuestion(null);
  };
  return (
    <Context value={acts}>
      {children}
      {question && (
        <Dialog title={en.confirm.resolve(question.incident.name)} onClose={() => setQuestion(null)}>
          <p>{question.incident.title}</p>
          <p>{question.firing === null ? en.confirm.unknown : en.confirm.firing(question.firing)}</p>
          <div className="dialog-buttons">
            <Button className="target" variant="default" onClick={() => setQuestion(null)}>
              {en.confirm.no}
            </Button>
            <Button className="target" onClick={yes}>
              {en.confirm.yes}
            </Button>
          </div>
        </Dialog>
      )}
    </Context>
  );
}
