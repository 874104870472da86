// @ts-check
/** The selected line of the log in full, or what a selected range is, with buttons to copy it and a link to it. */

import { attr, byId, show, text } from "../kit/dom.js";
import { clock, count, day, plural } from "../kit/format.js";
import { toast } from "../kit/toast.js";
import { setUrlParams, urlParams } from "../kit/url-params.js";
import { rangeText } from "./line-range.js";

/** @typedef {import("./log-line.js").Line} Line */
/** @typedef {import("./line-range.js").LineRange} LineRange */

/** Most lines that are copied at once. */
export const COPY_MOST = 10_000;

/** The line as text, its parts separated by tabs. @param {Line} line */
function asText(line) {
  return [clock(line.at), line.story, line.command, line.task, line.status, line.message].join("\t");
}

export class LogDetail {
  /** @type {LineRange | null} */ #range = null;
  /** Where there is no Shift key: whether the next line that is pressed ends the range. */
  #extends = false;

  /** @param {{close: () => void, copy: () => void, showAround: () => void}} actions */
  constructor({ close, copy, showAround }) {
    byId("log-around").addEventListener("click", showAround);
    byId("log-extend").addEventListener("click", () => this.#setExtends(!this.#extends));
    byId("log-copy").addEventListener("click", copy);
    byId("log-link").addEventListener("click", () => this.#copyLink());
    byId("log-detail-close").addEventListener("click", close);
  }

  /** Whether the next line that is pressed ends the range. */
  get extends() {
    return this.#extends;
  }

  /** @param {boolean} extending */
  #setExtends(extending) {
    this.#extends = extending;
    attr(byId("log-extend"), "aria-pressed", String(extending));
  }

  /**
   * @param {Line | null} line null hides it
   * @param {LineRange | null} range of which the line is one
   * @param {import("./log-buffer.js").LogBuffer} lines that are shown
   * @param {boolean} isReplay
   */
  show(line, range, lines, isReplay) {
    this.#setExtends(false);
    const isFiltered = lines.filtered;
    show(byId("log-around"), isFiltered && !isReplay);
    this.#range = range;
    show(byId("log-detail"), line !== null);
    if (!line || !range) return;
    const isOne = range.first === range.last;
    const size = isFiltered ? lines.between(range).length : range.last - range.first + 1;
    text(byId("log-detail-head"), isOne ? headText(line) : `Lines ${count(range.first)} to ${count(range.last)}`);
    text(
      byId("log-detail-text"),
      isOne ? line.message : `${plural(size, "line")}${isFiltered ? " of the filter" : ""}`,
    );
    text(byId("log-copy-words"), isOne ? "Copy" : "Copy lines");
    this.#showTranscript(line, isOne);
  }

  /** @param {Line} line @param {boolean} isOne whether it is the only one */
  #showTranscript(line, isOne) {
    const transcript = byId("log-transcript");
    show(transcript, isOne && Boolean(line.of && line.story));
    const params = { ...Object.fromEntries(urlParams()), story: line.story, transcript: String(line.of) };
    attr(transcript, "href", `#run?${new URLSearchParams(params)}`);
  }

  /** Copies the address of the page with the selected lines in it. */
  #copyLink() {
    if (!this.#range) return;
    setUrlParams({ line: rangeText(this.#range) });
    const isOne = this.#range.first === this.#range.last;
    copyText(location.href, `Link copied: it opens the log at ${isOne ? "this line" : "these lines"}`);
  }
}

/** Copies lines as text, the newest ones where there are too many. @param {Line[]} lines */
export function copyLines(lines) {
  const copied = lines.slice(-COPY_MOST);
  copyText(
    copied.map(asText).join("\n"),
    copied.length === 1 ? "Line copied" : `${plural(copied.length, "line")} copied`,
  );
}

/** @param {Line} line */
function headText(line) {
  const facts = [
    `${day(line.at)} ${clock(line.at)}`,
    [line.story, ...line.others].filter(Boolean).join(", "),
    line.command,
    line.task,
    line.status,
    `line ${count(line.seq)}`,
  ];
  return facts.filter(Boolean).join(" · ");
}

/** @param {string} words @param {string} done @returns {Promise<boolean>} whether the browser allowed it */
export async function copyText(words, done) {
  try {
    await navigator.clipboard.writeText(words);
    toast(done);
    return true;
  } catch {
    toast("The browser does not allow copying here; select the text instead.", "bad");
    return false;
  }
}
