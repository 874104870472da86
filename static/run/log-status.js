// @ts-check
/** What the log is showing, in words: how many lines of how many, since when, and how many new ones are below. */
import { byId, show, text } from "../kit/dom.js";
import { clock, count, plural } from "../kit/format.js";

/**
 * @param {import("./log-buffer.js").LogBuffer} lines
 * @param {{replays: boolean, following: boolean, unseen: number, isFetching: boolean}} state `unseen`: new lines below
 */
export function renderLogStatus(lines, { replays, following, unseen, isFetching }) {
  const { all, view, first } = lines;
  text(byId("log-count"), first ? countText(lines, isFetching) : "");
  show(byId("log-older"), Boolean(first && first.seq > 1 && lines.hasRoom && !replays));
  show(byId("log-latest"), !following);
  text(byId("log-latest-words"), unseen ? `Jump to latest (${count(unseen)} new)` : "Jump to latest");
  show(byId("log-empty"), !view.length);
  text(byId("log-empty"), all.length ? "No line matches." : "The log begins when the first batch starts.");
}

/** @param {import("./log-buffer.js").LogBuffer} lines @param {boolean} isFetching */
function countText({ all, view, first, filtered, pending }, isFetching) {
  const shown = `${filtered ? `${count(view.length)} of ` : ""}${plural(all.length, "line")}`;
  const searching = filtered && (isFetching || pending) ? ", looking further up" : "";
  return `${shown} since ${clock(first?.at ?? 0)}${searching}`;
}
