/** Which command does the same as this button? */

/** One shell word: plain when it is harmless, else in single quotes. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

export function command(
  verb: "ack" | "resolve" | "reopen" | "note" | "show",
  incident: string,
  note = "",
): string {
  const words = verb === "show" ? ["im", "show", incident] : ["im", verb, "--incident", incident];
  if (note && verb !== "show") words.push("--note", note);
  return words.map(quote).join(" ");
}

/** An address that is safe to put under a link: what a provider or sender sent may be `javascript:`. */
export function safeHref(address: string | undefined): string | null {
  if (!address) return null;
  try {
    const url = new URL(address);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}
