/** "Copy as CLI": the command that does the same, in one press. */
import { Button } from "@mantine/core";
import { useRef, useState } from "react";
import { en } from "../en";
import { say } from "../lib/speak";

/** The clipboard interface exists on https and localhost alone; plain http to another machine needs the old way. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "offscreen";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

export function CopyCommand({ text }: { text: string }) {
  const [state, setState] = useState<"" | "copied" | "failed">("");
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const press = async () => {
    const done = await copy(text);
    setState(done ? "copied" : "failed");
    say(done ? en.incident.copied : en.incident.copyFailed);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setState(""), 2_000);
  };
  const label = state === "copied" ? en.incident.copied : en.incident.cli;
  return (
    <div className="copy">
      <code>{text}</code>
      <Button variant="default" size="sm" className="target" onClick={press} aria-label={`${label}: ${text}`}>
        {label}
      </Button>
      {state === "failed" && <p className="failure">{en.incident.copyFailed}</p>}
    </div>
  );
}
