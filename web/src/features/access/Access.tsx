/** The person has no session: how do they get in, and what can they do meanwhile? */
import { Button } from "@mantine/core";
import { CopyCommand } from "../../components/Copy";
import { en } from "../../en";

export function Access({ reason }: { reason: string }) {
  return (
    <main id="main" className="access" data-testid="access">
      <h1>{en.access.title}</h1>
      {reason && <p className="banner banner-bad">{reason}</p>}
      <p>{en.access.why}</p>
      <p>{en.access.how}</p>
      <CopyCommand text="im open" />
      <p>{en.access.next}</p>
      <p>{en.access.meanwhile}</p>
      <CopyCommand text="im ack --incident INC-1" />
      <p>
        <Button className="target" onClick={() => window.location.reload()}>
          {en.access.again}
        </Button>
      </p>
    </main>
  );
}
