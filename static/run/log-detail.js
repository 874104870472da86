// @ts-check
/** The selected line of the log in full, with buttons to copy it and a link to it. */

import { attr, byId, show, text } from "../kit/dom.js";
import { clock, count, day } from "../kit/format.js";
import { toast } from "../kit/toast.js";
import { setUrlParams, urlParams } from "../kit/url-params.js";

/** @typedef {import("./log-line.js").Line} Line */

/** The line as text, its parts separated by tabs. @param {Line} line */
export function asText(line) {
  return [clock(line.at), line.story, line.command, line.task, line.status, line.message].join("\t");
}

export class LogDetail {
  /** @type {Line | null} */ #line = null;

  /** @param {{close: () => void, showAround: () => void}} actions */
  constructor({ close, showAround }) {
    byId("log-around").addEventListener("click", showAround);
    byId("log-copy").addEventListener("click", () => this.copy());
    byId("log-link").addEventListener("click", () => this.#copyLink());
    byId("log-detail-close").addEventListener("click", close);
  }

  /** @param {Line | null} line null hides it @param {boolean} isFiltered whether the lines around it are hidden */
  show(line, isFiltered) {
    show(byId("log-around"), isFiltered);
    this.#line = line;
    show(byId("log-detail"), line !== null);
    if (!line) return;
    text(byId("log-detail-head"), headText(line));
    text(byId("log-detail-text"), line.message);
    const transcript = byId("log-transcript");
    show(transcript, Boolean(line.of && line.story));
    const params = { ...Object.fromEntries(urlParams()), story: line.story, transcript: String(line.of) };
    attr(transcript, "href", `#run?${new URLSearchParams(params)}`);
  }

  copy() {
    if (this.#line) copyText(asText(this.#line), "Line copied");
  }

  /** Copies the address of the page with this line in it. */
  #copyLink() {
    if (!this.#line) return;
    setUrlParams({ line: String(this.#line.seq) });
    copyText(location.href, "Link copied: it opens the log at this line");
  }
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
