// @ts-check
/** What the log is showing, in words: how many lines of how many, since when, and how many new ones are below. */
import { byId, show, text } from "../kit/dom.js";
import { clock, count, day, plural } from "../kit/format.js";

/** @typedef {import("./log-buffer.js").LogBuffer} LogBuffer */
/** @typedef {import("./log-search.js").LogSearch} LogSearch */

/**
 * @param {LogBuffer} lines
 * @param {{replays: boolean, following: boolean, unseen: number, isFetching: boolean, isPart: boolean,
 *   search: LogSearch}} state `unseen`: new lines below; `isPart`: a part of the log further up is shown
 */
export function renderLogStatus(lines, { replays, following, unseen, isFetching, isPart, search }) {
  const { all, view, first } = lines;
  const searches = search.active && !replays;
  const words = searches ? matchText(lines, search) : countText(lines, isFetching, isPart);
  text(byId("log-count"), first ? words : "");
  const hasOlder = searches ? search.hasMore : lines.hasRoom && !replays;
  show(byId("log-older"), Boolean(first && first.seq > 1 && hasOlder));
  text(byId("log-older"), searches ? "Show earlier matches" : "Load earlier lines");
  show(byId("log-latest"), !following);
  text(byId("log-latest-words"), unseen ? `Jump to latest (${count(unseen)} new)` : "Jump to latest");
  show(byId("log-empty"), !view.length);
  text(byId("log-empty"), all.length ? emptyText(searches, search) : "The log begins when the first batch starts.");
}

/** @param {LogBuffer} lines @param {boolean} isFetching @param {boolean} isPart */
function countText({ all, view, first, filtered, pending }, isFetching, isPart) {
  if (isPart) return `${plural(all.length, "line")} from ${day(first?.at ?? 0)} ${clock(first?.at ?? 0)}, further up`;
  const shown = `${filtered ? `${count(view.length)} of ` : ""}${plural(all.length, "line")}`;
  const searching = filtered && (isFetching || pending) ? ", looking further up" : "";
  return `${shown} since ${clock(first?.at ?? 0)}${searching}`;
}

/** @param {LogBuffer} lines @param {LogSearch} search */
export function matchText({ view, found, filter }, search) {
  const shown = view.length;
  if (search.count === null) return `${plural(shown, "match", "matches")}, looking further up`;
  // The server knows no levels, so with one it cannot say how many are left.
  if (filter.level) return `${plural(shown, "match", "matches")} shown${search.hasMore ? ", there may be more" : ""}`;
  // Lines that were loaded since the search began are among those that the server counted.
  let counted = found;
  while (view[counted]?.seq < search.before) counted += 1;
  const all = shown - counted + search.count;
  const total = `${count(all)}${search.isMore ? "+" : ""} ${all === 1 ? "match" : "matches"} in the whole log`;
  return shown < all || search.isMore ? `${total}, the newest ${count(shown)} shown` : total;
}

/** @param {boolean} searches @param {LogSearch} search */
function emptyText(searches, search) {
  return searches && search.count === null ? "Looking further up" : "No line matches.";
}
