/** One field for what the person sees and did; it reaches the providers as a note. */
import { Button, Textarea } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useLocation } from "@tanstack/react-router";
import { type RefObject, useEffect, useState } from "react";
import { api } from "../../api/client";
import { keys } from "../../app/queries";
import { CopyCommand } from "../../components/Copy";
import { en } from "../../en";
import { command } from "../../lib/cli";
import { say } from "../../lib/speak";

export function NoteForm({
  incident,
  field,
}: {
  incident: string;
  field: RefObject<HTMLTextAreaElement | null>;
}) {
  const [text, setText] = useState("");
  const client = useQueryClient();
  const hash = useLocation({ select: (location) => location.hash });
  useEffect(() => {
    if (hash === "note") field.current?.focus();
  }, [hash, field]);
  const save = useMutation({
    mutationFn: (note: string) => api.note(incident, note),
    onSuccess: (_, note) => {
      // Only what was saved is cleared; the person may have typed on.
      setText((now) => (now.trim() === note ? "" : now));
      say(en.say.noted);
      void client.invalidateQueries({ queryKey: keys.timeline(incident) });
    },
  });
  const trimmed = text.trim();
  const send = () => trimmed && !save.isPending && save.mutate(trimmed);
  return (
    <form
      className="note"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <Textarea
        ref={field}
        label={en.incident.note}
        placeholder={en.incident.notePlaceholder}
        value={text}
        rows={2}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") event.currentTarget.blur();
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
        }}
      />
      {save.isError && (
        <p className="failure">
          {en.incident.noteFailed}: {save.error.message}
        </p>
      )}
      <div className="note-buttons">
        <Button
          type="submit"
          className="target"
          variant="default"
          disabled={!trimmed}
          loading={save.isPending}
        >
          {en.incident.noteAdd}
        </Button>
      </div>
      {trimmed && <CopyCommand text={command("note", incident, trimmed)} />}
    </form>
  );
}
