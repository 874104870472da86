// @ts-check
/** The loaded entries of a transcript, one range without gaps: pages are joined to it, only changed entries are drawn. */
import { attr, fill, h, show, text } from "../kit/dom.js";
import { count, plural } from "../kit/format.js";
import { entryLines } from "./transcript-entry.js";

/** @typedef {import("./transcript-entry.js").Entry} Entry */
/**
 * @typedef {{from: number, total: number, entries: Entry[], hints: string[], waiting: string[],
 *   takes_messages: boolean | null, reading: boolean}} Page
 */

/** Most entries in the document; beyond that the far end of the range is let go, and is read again when it is reached. */
const MOST = 2_000;

export class TranscriptPages {
  /** The number of the first loaded entry. */
  start = 0;
  #total = 0;
  /** @type {Entry[]} */ #entries = [];
  #rows = h("div", { class: "entries" });
  #summary = h("span");
  /** Where the reader wants to be, of all entries. */
  #slider = h("input", { type: "range", min: 0, "aria-label": "Place in the transcript" });
  #head;

  /** @param {number} id of the command @param {(from: number) => void} onSeek */
  constructor(id, onSeek) {
    const href = `/api/commands/${id}/transcript?raw=1`;
    const raw = h("a", { href, target: "_blank", rel: "noopener", text: "The stream as recorded" });
    this.#head = h("p", { class: "raw" }, this.#summary, raw, this.#slider);
    this.#slider.addEventListener("change", () => onSeek(Number(this.#slider.value)));
  }

  get nodes() {
    return [this.#head, this.#rows];
  }

  get isEmpty() {
    return !this.#entries.length;
  }

  /** The number after the last loaded entry. */
  get end() {
    return this.start + this.#entries.length;
  }

  get isAtEnd() {
    return this.end >= this.#total;
  }

  /** The first entry that may still change: the last one may grow, a call of a tool may get its result. */
  get settled() {
    const { length } = this.#entries;
    const open = this.#entries.findIndex((entry) => entry.kind === "tool" && entry.ok === null);
    return this.start + Math.max(0, Math.min(open < 0 ? length : open, length - 1));
  }

  /** @param {Page} page that overlaps what is loaded or adjoins it; any other replaces it */
  merge({ from, total, entries }) {
    this.#total = total;
    if (entries.length && (from > this.end || from + entries.length < this.start)) this.#clear(from);
    const early = Math.max(0, Math.min(entries.length, this.start - from));
    if (this.isEmpty) this.start = from;
    else if (early) this.#prepend(entries.slice(0, early));
    this.#put(Math.max(from, this.start), this.isEmpty ? entries : entries.slice(early));
    this.#trim(early > 0);
    this.#renderHead();
  }

  /** @param {Page} page shown alone */
  replace(page) {
    this.#clear(page.from);
    this.merge(page);
  }

  /**
   * Changes what is loaded without moving what is read.
   * @param {HTMLElement} body that scrolls
   * @param {() => void} change
   */
  keepInSight(body, change) {
    const edge = body.getBoundingClientRect().top;
    const row = [...this.#rows.children].find((one) => one.getBoundingClientRect().bottom > edge);
    const before = row?.getBoundingClientRect().top ?? 0;
    change();
    if (row?.isConnected) body.scrollTop += row.getBoundingClientRect().top - before;
  }

  /** @param {number} number of an entry */
  has(number) {
    return number >= this.start && number < this.end;
  }

  /** Brings an entry into sight and marks it. @param {number} number */
  reveal(number) {
    for (const row of this.#rows.querySelectorAll("[data-found]")) attr(row, "data-found", null);
    const row = this.#rows.children[number - this.start];
    if (!row) return;
    attr(row, "data-found", true);
    for (const part of row.querySelectorAll("details")) part.open = true;
    row.firstElementChild?.scrollIntoView({ block: "center" }); // the row itself has no box
  }

  /** @param {number} start */
  #clear(start) {
    this.start = start;
    this.#entries = [];
    fill(this.#rows);
  }

  /** @param {Entry[]} entries that end where the loaded ones begin */
  #prepend(entries) {
    this.#rows.prepend(...entries.map((entry) => h("div", {}, ...entryLines(entry))));
    this.#entries = [...entries, ...this.#entries];
    this.start -= entries.length;
  }

  /** @param {number} from @param {Entry[]} entries in place of the loaded ones, or behind them */
  #put(from, entries) {
    for (const [index, entry] of entries.entries()) {
      const at = from + index - this.start;
      const row = this.#rows.children[at] ?? this.#rows.appendChild(h("div"));
      if (JSON.stringify(entry) !== JSON.stringify(this.#entries[at])) redraw(row, entry);
      this.#entries[at] = entry;
    }
  }

  /** @param {boolean} fromEnd */
  #trim(fromEnd) {
    const extra = this.#entries.length - MOST;
    if (extra <= 0) return;
    const gone = [...this.#rows.children].slice(...(fromEnd ? [-extra] : [0, extra]));
    for (const row of gone) row.remove();
    if (fromEnd) this.#entries.length = MOST;
    else {
      this.#entries.splice(0, extra);
      this.start += extra;
    }
  }

  #renderHead() {
    const all = this.#total;
    const isWhole = this.start === 0 && this.isAtEnd;
    const tools = this.#entries.filter((entry) => entry.kind === "tool").length;
    const range = `entries ${count(this.start + 1)} to ${count(this.end)} of ${count(all)}`;
    text(this.#summary, `${isWhole ? `${plural(all, "entry", "entries")}, ${plural(tools, "tool call")}` : range} · `);
    show(this.#slider, !isWhole);
    attr(this.#slider, "max", Math.max(0, all - 1));
    this.#slider.value = String(this.start);
  }
}

/** Draws an entry again; what was unfolded stays so. @param {Element} row @param {Entry} entry */
function redraw(row, entry) {
  const open = [...row.querySelectorAll("details")].map((part) => part.open);
  fill(row, ...entryLines(entry));
  for (const [at, part] of [...row.querySelectorAll("details")].entries()) if (open[at]) part.open = true;
}
