// @ts-check
/**
 * The output of one command as a transcript that follows its end: new entries are read as they are reported, older ones
 * when the reader scrolls up to them. It stays where the reader is.
 */
import { catchApiError, get } from "../kit/api.js";
import { attr, fill, h, icon, show, text } from "../kit/dom.js";
import { takeOver } from "../kit/takeover.js";
import { MessageForm } from "../story/message-form.js";
import { TranscriptPages } from "../story/transcript-pages.js";
import { onTranscriptChange } from "../story/transcript-signal.js";

/** @typedef {import("../story/transcript-pages.js").Page} Page */

/** Least time between two reads while the command runs, in ms, and in times of the duration of the last one. */
const PAUSE_MS = 700;
const PAUSE_TIMES = 10;
/** A scroll position this near the end follows it, one this near an edge of what is loaded loads more, in pixels. */
const AT_END = 40;
const NEAR_EDGE = 400;
/** Entries of a page, and of the newest ones that are read while the command runs; the server has an upper bound. */
const PAGE = 200;
const NEWEST = 2_000;
/** Beyond the last entry of every transcript: a read from there returns only how many there are. */
const BEYOND = 1_000_000;

export class OutputStream {
  el;
  #id;
  #pages;
  #message;
  #view;
  #empty = h("p", { class: "empty" });
  #hints = h("blockquote", { class: "hints", "aria-label": "Hints of the operator", hidden: true });
  #latest = h("button", { type: "button", class: "button latest", hidden: true }, icon("down"), "Jump to latest");
  #following = true;
  #live = false;
  #isOver = false;
  #begun = false;
  /** Whether there is the reason of a failure instead of output. */
  #failed = false;
  #listens = false;
  #timer = 0;
  #took = 0;
  #top = 0;
  /** Whether a read is under way, and whether there is news since it began. */
  #reading = false;
  #stale = false;

  /** @param {number} id @param {string} name of the command @param {string} key of its story, "" for none */
  constructor(id, name, key) {
    this.#id = id;
    this.#message = new MessageForm(id, name, key, () => this.#readSoon());
    if (key) this.#message.add(takeOverButton(key));
    this.#pages = new TranscriptPages(id, (from) => this.#show(from));
    const region = { role: "region", tabindex: "0", "aria-label": `Output of ${name}` };
    this.#view = h("div", { class: "output-view", ...region }, this.#hints, this.#empty);
    this.#view.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#latest.addEventListener("click", () => this.#follow());
    // The form below it comes and goes, and takes of its height.
    new ResizeObserver(() => this.#keepEnd()).observe(this.#view);
    const [head, rows] = this.#pages.nodes;
    this.#view.append(rows);
    this.el = h("div", { class: "output-stream" }, this.#view, this.#latest, this.#message.el, head);
    show(head, false);
  }

  /** @param {boolean} running whether the command runs */
  update(running) {
    const ended = this.#live && !running;
    this.#live = running;
    if (this.#pages.isEmpty && !this.#failed) text(this.#empty, running ? "Waiting for its first output." : "");
    if (this.#isOver) return;
    if (running && !this.#listens) onTranscriptChange(this.#id, () => this.#changed());
    this.#listens ||= running;
    if (ended || !this.#begun) this.#read();
    this.#begun = true;
  }

  /** Reads what the lost connection has kept back, also the first page. */
  reconnected() {
    if (this.#begun) this.#readSoon();
  }

  /** It is shown no more. */
  end() {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.el.remove();
  }

  /** New output was reported. @returns {boolean} whether it is still shown */
  #changed() {
    this.#readSoon();
    return !this.#isOver;
  }

  #readSoon() {
    this.#timer ||= window.setTimeout(() => this.#read(), Math.max(PAUSE_MS, PAUSE_TIMES * this.#took));
  }

  async #read() {
    this.#timer = 0;
    this.#stale = true;
    if (this.#reading || this.#isOver) return;
    this.#reading = true;
    while (this.#stale && !this.#isOver) {
      this.#stale = false;
      const start = performance.now();
      await catchApiError(this.#readNewest(), (error) => this.#fail(error));
      this.#took = performance.now() - start;
    }
    this.#reading = false;
  }

  async #readNewest() {
    const pages = this.#pages;
    // A reader in the middle keeps what is there; only the number of entries grows.
    const isBehind = !pages.isEmpty && !pages.isAtEnd;
    const from = isBehind ? BEYOND : pages.isEmpty ? await this.#lastPage() : pages.settled;
    const page = await this.#page(from, isBehind ? 1 : pages.isEmpty ? PAGE : NEWEST);
    if (this.#isOver) return;
    this.#failed = false;
    pages.merge(page);
    // The server reads a long recording in the background: there will be more in a moment.
    this.#drawWords(page);
    if (page.reading || this.#message.waits) this.#readSoon();
    this.#keepEnd();
  }

  #keepEnd() {
    if (this.#following) scrollToEnd(this.#view, () => this.#following && !this.#isOver);
  }

  /** @param {Page} page */
  #drawWords(page) {
    fill(this.#hints, ...page.hints.map((words) => h("p", { class: "hint-text", text: words })));
    show(this.#hints, page.hints.length > 0);
    this.#message.update(page, this.#live);
    show(this.#pages.nodes[0], !this.#pages.isEmpty);
    text(this.#empty, this.#pages.isEmpty ? this.#emptyText(page.reading) : "");
  }

  /** @param {boolean} reading whether the server still reads the recording */
  #emptyText(reading) {
    if (this.#live) return "Waiting for its first output.";
    return reading ? "Reading its recording." : "It has written nothing.";
  }

  async #lastPage() {
    return Math.max(0, (await this.#page(BEYOND, 1)).total - PAGE);
  }

  /** @param {number} from @param {number} limit @returns {Promise<Page>} */
  #page(from, limit) {
    return get(`/api/commands/${this.#id}/transcript?from=${from}&limit=${limit}`);
  }

  /** @param {import("../kit/api.js").ApiError} error */
  #fail(error) {
    if (!this.#pages.isEmpty) return null;
    text(this.#empty, error.message);
    this.#failed = true;
    this.#begun = error.status !== 0; // a server that was not reached is asked again, with the next change of the run
    return null;
  }

  #scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.#view;
    const up = scrollTop < this.#top - 1;
    this.#top = scrollTop;
    if (scrollTop + clientHeight >= scrollHeight - AT_END && this.#pages.isAtEnd) this.#following = true;
    else if (up) this.#following = false;
    show(this.#latest, !this.#following);
    const pages = this.#pages;
    if (this.#following || pages.isEmpty) return;
    if (scrollTop < NEAR_EDGE && pages.start > 0) this.#readBeside(Math.max(0, pages.start - PAGE));
    else if (scrollTop + clientHeight > scrollHeight - NEAR_EDGE && !pages.isAtEnd) this.#readBeside(pages.end);
  }

  /** Reads one page beside what is loaded; the entries in sight stay in their place. @param {number} from */
  async #readBeside(from) {
    if (this.#reading) return;
    this.#reading = true;
    const limit = from < this.#pages.start ? this.#pages.start - from : PAGE;
    const page = await catchApiError(this.#page(from, limit), (error) => this.#fail(error));
    if (page) this.#pages.keepInSight(this.#view, () => this.#pages.merge(page));
    this.#reading = false;
    if (this.#stale) this.#readSoon();
  }

  /** Shows the entries around a number, chosen by the reader. @param {number} from */
  async #show(from) {
    const page = await catchApiError(this.#page(from, PAGE), (error) => this.#fail(error));
    if (!page) return;
    this.#pages.replace(page);
    this.#following = this.#pages.isAtEnd;
    this.#view.scrollTop = this.#following ? this.#view.scrollHeight : 0;
  }

  async #follow() {
    if (!this.#pages.isAtEnd) this.#pages.replace(await this.#page(await this.#lastPage(), PAGE));
    this.#following = true;
    show(this.#latest, false);
    attr(this.#view, "aria-busy", null);
    scrollToEnd(this.#view, () => this.#following);
    this.#view.focus({ preventScroll: true });
  }
}

/** @param {string} key of the story */
function takeOverButton(key) {
  const props = { type: "button", class: "button small", "data-verb": true, text: "Open in my terminal" };
  return h("button", { ...props, on: { click: () => takeOver(key) } });
}

/**
 * Scrolls to the end, in several frames: the browser estimates the height of what was never visible, so the end moves.
 * @param {HTMLElement} el
 * @param {() => boolean} wanted
 * @param {number} [frames] in which the end may still move
 */
function scrollToEnd(el, wanted, frames = 5) {
  if (!wanted()) return;
  el.scrollTop = el.scrollHeight;
  if (frames) requestAnimationFrame(() => scrollToEnd(el, wanted, frames - 1));
}
