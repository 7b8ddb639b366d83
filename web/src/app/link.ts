/** How does this tab stand with the hub? Written by the stream, read by everything that shows or asks. */
import { type Link, START } from "../lib/freshness";
import { Store } from "../lib/store";

export const link = new Store<Link>(START);
