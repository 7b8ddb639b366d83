/** Addresses that came from outside: runbooks, graphs, the sender's own page. Only http and https become links. */
import type { Link } from "../api/types";
import { safeHref } from "../lib/cli";

export function Links({ links }: { links: readonly Link[] }) {
  const safe = new Map(
    links.flatMap((link) => {
      const href = safeHref(link.href);
      return href ? [[href, link.text || href] as const] : [];
    }),
  );
  if (safe.size === 0) return null;
  return (
    <p className="links">
      {[...safe].map(([href, text]) => (
        <a key={href} className="target-link" href={href} target="_blank" rel="noreferrer noopener">
          {text} <span aria-hidden="true">↗</span>
        </a>
      ))}
    </p>
  );
}
