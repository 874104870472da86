// @ts-check
/** The transcript of a command: what the agent wrote and did, as the server reads its stream. Loaded on demand. */
import { catchApiError, get } from "../kit/api.js";
import { createDisclosure } from "../kit/disclosure.js";
import { fill, h, show } from "../kit/dom.js";
import { toast } from "../kit/toast.js";
import { urlParams, wholeNumber } from "../kit/url-params.js";
import { MessageForm } from "./message-form.js";
import { TranscriptPages } from "./transcript-pages.js";
import { onTranscriptChange } from "./transcript-signal.js";

/** @typedef {import("./transcript-entry.js").Entry} Entry */

/** Least time between two reads while the command runs, in ms, and in times of the duration of the last one. */
const PAUSE_MS = 1_000;
const PAUSE_TIMES = 10;
/** A scroll position this near the end follows it, in pixels. */
const AT_END = 40;
/** A scroll position this near an edge of what is loaded loads the next page, in pixels. */
const NEAR_EDGE = 400;
/** Entries of a page, and of the newest ones that are read while the command runs; the server has an upper bound. */
const PAGE = 200;
const NEWEST = 2_000;
/** Entries before one that the address names. */
const CONTEXT = 20;
/** Beyond the last entry of every transcript: a read from there returns only how many there are. */
const BEYOND = 1_000_000;

/** The transcript of a command, loaded when it is first opened. While the command runs it grows and scrolls along. */
class Transcript {
  el;
  #id;
  #pages;
  #mark = h("span", { class: "badge", text: "live" });
  #disclosure;
  #live = false;
  #timer = 0;
  /** How long the last read took, in ms. */
  #took = 0;
  /** What the operator gave the command with its prompt. */
  #hints = h("blockquote", { class: "hints", "aria-label": "Hints of the operator", hidden: true });
  #message;
  /** Whether a page is being read because of a scroll. */
  #paging = false;
  /** The entry that the address names, until it is there: a long recording is read in the background. @type {number | null} */
  #wanted = null;

  /** @param {number} id @param {string} name of the command @param {string} key of its story, "" for none */
  constructor(id, name, key) {
    this.#id = id;
    this.#message = new MessageForm(id, name, key, () => this.#reload());
    this.#pages = new TranscriptPages(id, (from) => this.#show(from));
    this.#disclosure = createDisclosure({
      class: "transcript",
      summary: ["Transcript", this.#mark],
      region: `Transcript of ${name}`,
      load: () => this.#load(),
    });
    this.el = this.#disclosure.el;
    this.#disclosure.body.before(this.#hints);
    this.#disclosure.body.after(this.#message.el);
    this.#followAddress();
    this.#disclosure.body.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    show(this.#mark, false);
  }

  /** @param {boolean} running whether the command runs; when it has ended the rest is read */
  setLive(running) {
    if (this.#live && !running) this.#disclosure.reload();
    this.#live = running;
    show(this.#mark, running);
    if (running) onTranscriptChange(this.#id, () => this.#changed());
  }

  async #load() {
    const start = performance.now();
    const pages = this.#pages;
    const wanted = pages.isEmpty ? wantedEntry(this.#id) : null;
    const follows =
      wanted !== null ? false : pages.isEmpty ? this.#live : isAtEnd(this.#disclosure.body) && pages.isAtEnd;
    // A reader in the middle keeps what is there; only the number of entries grows.
    const isBehind = !pages.isEmpty && !pages.isAtEnd;
    const first = wanted !== null ? Math.max(0, wanted - CONTEXT) : this.#live ? await this.#lastPage() : 0;
    const from = isBehind ? BEYOND : pages.isEmpty ? first : pages.settled;
    const page = await this.#read(from, isBehind ? 1 : pages.isEmpty ? PAGE : NEWEST);
    pages.merge(page);
    // The server reads a long recording in the background: there will be more in a moment.
    if (page.reading && !this.#live) this.#timer ||= window.setTimeout(() => this.#reload(), PAUSE_MS);
    fill(this.#hints, ...page.hints.map((text) => h("p", { class: "hint-text", text })));
    show(this.#hints, page.hints.length > 0);
    this.#message.update(page, this.#live);
    if (this.#message.waits) this.#timer ||= window.setTimeout(() => this.#reload(), PAUSE_MS);
    this.#took = performance.now() - start;
    if (follows) requestAnimationFrame(() => scrollToEnd(this.#disclosure.body));
    this.#wanted = wanted ?? this.#wanted;
    this.#revealFound();
    return pages.nodes;
  }

  /** Shows the entry that the address names whenever it changes, for as long as the transcript is in the page. */
  #followAddress() {
    const follow = () => {
      if (this.el.isConnected) void this.#revealWanted();
      else removeEventListener("hashchange", follow);
    };
    addEventListener("hashchange", follow);
  }

  /** Shows the entry that the address names, if this transcript is loaded. */
  async #revealWanted() {
    const wanted = wantedEntry(this.#id);
    if (wanted === null || this.#pages.isEmpty) return;
    if (!this.#pages.has(wanted)) await this.#show(Math.max(0, wanted - CONTEXT));
    this.#pages.reveal(wanted);
  }

  #revealFound() {
    const wanted = this.#wanted;
    if (wanted === null || !this.#pages.has(wanted)) return;
    this.#wanted = null;
    requestAnimationFrame(() => this.#pages.reveal(wanted));
  }

  async #lastPage() {
    return Math.max(0, (await this.#read(BEYOND, 1)).total - PAGE);
  }

  /** @param {number} from @param {number} limit @returns {Promise<import("./transcript-pages.js").Page>} */
  #read(from, limit) {
    return get(`/api/commands/${this.#id}/transcript?from=${from}&limit=${limit}`);
  }

  #scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.#disclosure.body;
    const pages = this.#pages;
    if (scrollTop < NEAR_EDGE && pages.start > 0) this.#readPage(Math.max(0, pages.start - PAGE));
    else if (scrollTop + clientHeight > scrollHeight - NEAR_EDGE && !pages.isAtEnd) this.#readPage(pages.end);
  }

  /** Reads one page beside what is loaded; the entries in sight stay in their place. @param {number} from */
  async #readPage(from) {
    if (this.#paging) return;
    this.#paging = true;
    const limit = from < this.#pages.start ? this.#pages.start - from : PAGE;
    const page = await catchApiError(this.#read(from, limit), (error) => void toast(error.message, "bad"));
    if (page) this.#pages.keepInSight(this.#disclosure.body, () => this.#pages.merge(page));
    this.#paging = false;
  }

  /** Shows the entries around a number, chosen by the reader. @param {number} from */
  async #show(from) {
    const page = await catchApiError(this.#read(from, PAGE), (error) => void toast(error.message, "bad"));
    if (!page) return;
    this.#pages.replace(page);
    const { body } = this.#disclosure;
    if (this.#pages.isAtEnd) scrollToEnd(body);
    else body.scrollTop = 0;
  }

  /** Reads again after a pause. @returns {boolean} whether the transcript is still shown */
  #changed() {
    this.#timer ||= window.setTimeout(() => this.#reload(), Math.max(PAUSE_MS, PAUSE_TIMES * this.#took));
    return this.#live && this.el.isConnected;
  }

  #reload() {
    this.#timer = 0;
    this.#disclosure.reload();
  }
}

/** The entry of a command's transcript that the address names, else null. @param {number} id */
function wantedEntry(id) {
  const params = urlParams();
  return wholeNumber(params.get("transcript")) === id ? wholeNumber(params.get("entry"), 0) : null;
}

/** @param {number} id @param {string} name of the command @param {string} key of its story, "" for none */
export function createTranscript(id, name, key) {
  return new Transcript(id, name, key);
}

/** @param {HTMLElement} el */
function isAtEnd({ scrollTop, clientHeight, scrollHeight }) {
  return scrollTop + clientHeight >= scrollHeight - AT_END;
}

/**
 * Scrolls to the end, in several frames: the browser estimates the height of what was never visible, so the end moves.
 * @param {HTMLElement} el
 * @param {number} [frames] in which the end may still move
 */
function scrollToEnd(el, frames = 5) {
  el.scrollTop = el.scrollHeight;
  if (frames) requestAnimationFrame(() => scrollToEnd(el, frames - 1));
}
