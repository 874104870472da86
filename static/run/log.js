// @ts-check
/**
 * The live log: only the rows in sight are in the document, however many lines are stored. It follows the newest line
 * until the reader scrolls up, and then nothing moves; older lines are fetched when the top comes near, when a filter
 * leaves room, and when the address names a line.
 */

import { catchApiError, events } from "../kit/api.js";
import { byId, style } from "../kit/dom.js";
import { plural } from "../kit/format.js";
import { toast } from "../kit/toast.js";
import { setUrlParams, wholeNumber } from "../kit/url-params.js";
import { CAPACITY, LogBuffer } from "./log-buffer.js";
import { asText, copyText, LogDetail } from "./log-detail.js";
import { LogFilter } from "./log-filter.js";
import { toLogLine } from "./log-line.js";
import { renderLogStatus } from "./log-status.js";
import { RowPool, scrollIntoSight } from "./row-pool.js";

/** @typedef {import("./log-line.js").Line} Line */
/** @typedef {import("../state.js").Envelope} Envelope */

/** Lines fetched at once while the reader scrolls, and while something is searched further up. */
const PAGE = 500;
const SEARCH_PAGE = 2_000;
/** Lines that a new filter examines in one frame. */
const EXAMINED = 8_000;
/** Most lines that are copied at once. */
const COPY_MOST = 10_000;
/** Older lines are fetched when fewer rows than this are left above. */
const NEAR_TOP = 40;

export class Log {
  #live = new LogBuffer();
  /** What is shown: the live lines, or those of a replay. */
  lines = this.#live;
  following = true;
  /** @type {Line | null} */ selected = null;
  #view = byId("log-view");
  #space = byId("log-space");
  #row = 26;
  #top = 0;
  #unseen = 0;
  /** @type {Promise<boolean> | null} */ #fetching = null;
  #wanted = 0;
  #dirty = false;
  #asked = false;
  #pool = new RowPool(byId("log-space"));

  constructor() {
    this.filter = new LogFilter((filter) => this.#refilter(filter));
    this.#view.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#view.addEventListener("click", (event) => this.#clicked(event));
    this.#view.addEventListener("keydown", (event) => this.#key(event));
    byId("log-latest").addEventListener("click", () => this.latest());
    byId("log-older").addEventListener("click", () => this.#older());
    this.detail = new LogDetail({ close: () => this.select(null) });
    new ResizeObserver(() => this.#measure()).observe(this.#view);
  }

  /** Starts again: another epoch, or a gap that was not filled. @param {Envelope[]} envelopes */
  reset(envelopes) {
    this.#live.reset(envelopes.map(toLogLine));
    this.filter.learn(this.#live.all);
    this.select(null);
    this.following = true;
    this.#unseen = 0;
    this.#changed();
    this.#older();
    if (this.#wanted) this.#reveal(this.#wanted);
  }

  /** Applies the address: a filter, and a line to show. @param {URLSearchParams} params */
  route(params) {
    this.filter.route(params);
    const line = wholeNumber(params.get("line"));
    if (line === null || line === this.selected?.seq) return;
    this.#wanted = line;
    if (this.#live.first) this.#reveal(line);
  }

  /** Adds the events of an `init`: only the new ones, if they adjoin those that are loaded. @param {Envelope[]} envelopes */
  join(envelopes) {
    const last = this.#live.all.at(-1)?.seq ?? -1;
    const joins = envelopes.length > 0 && envelopes[0].seq <= last + 1 && last > 0;
    if (!joins) return this.reset(envelopes);
    this.append(envelopes.filter((event) => event.seq > last));
  }

  /** @param {Envelope[]} envelopes in order, newer than all before */
  append(envelopes) {
    if (!envelopes.length) return;
    const lines = envelopes.map(toLogLine);
    const before = this.#live.view.length;
    this.#live.append(lines);
    this.filter.learn(lines);
    if (this.#replays) return;
    if (!this.following) this.#unseen += this.#live.view.length - before;
    const gone = this.#live.trim(!this.following);
    if (gone && !this.following) this.#view.scrollTop -= gone * this.#row;
    this.#changed();
  }

  /**
   * Shows these lines instead of the live ones, which are collected meanwhile; null shows the live ones again.
   * @param {Line[] | null} lines
   */
  replay(lines) {
    if (lines === null && this.lines === this.#live) return;
    if (lines && this.lines === this.#live) {
      this.lines = new LogBuffer();
      this.following = true;
    } else if (!lines) this.lines = this.#live;
    if (lines) this.lines.all = lines;
    this.lines.setFilter(this.filter.value);
    if (this.selected && !lines?.includes(this.selected)) this.select(null);
    this.#changed();
  }

  /** Draws, if anything changed or the tab was hidden; called once per frame. */
  render() {
    if (!this.#dirty || !this.#view.clientHeight) return;
    this.#dirty = false;
    if (this.lines.pending) this.#examine();
    style(this.#space, "height", `${this.lines.view.length * this.#row}px`);
    if (this.following) this.#view.scrollTop = this.#space.offsetHeight;
    this.#draw();
    const state = { replays: this.#replays, isFetching: this.#fetching !== null, following: this.following };
    renderLogStatus(this.lines, { ...state, unseen: this.#unseen });
    this.#view.setAttribute("aria-rowcount", String(this.lines.view.length));
    this.#search();
  }

  latest() {
    if (byId("log").hidden) byId("pane-log").click();
    this.following = true;
    this.#unseen = 0;
    this.#changed();
    this.#view.focus({ preventScroll: true });
  }

  /** @param {Line | null} line */
  select(line) {
    if (line !== this.selected && !this.#replays) setUrlParams({ line: line && String(line.seq) });
    this.selected = line;
    this.detail.show(line);
    this.#changed();
  }

  /** The newest lines that the filter leaves, as text. */
  copyAll() {
    const lines = this.lines.view.slice(-COPY_MOST);
    copyText(lines.map(asText).join("\n"), `${plural(lines.length, "line")} copied`);
  }

  get #replays() {
    return this.lines !== this.#live;
  }

  #changed() {
    if (this.#dirty && this.#asked) return;
    this.#dirty = this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      this.render();
    });
  }

  #measure() {
    this.#row = Math.round(1.75 * parseFloat(getComputedStyle(document.documentElement).fontSize));
    style(this.#view, "--row", `${this.#row}px`);
    this.#changed();
  }

  #scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.#view;
    const up = scrollTop < this.#top - 1;
    this.#top = scrollTop;
    // Where a filter leaves so little that nothing scrolls, the reader keeps the place when it is cleared.
    if (scrollHeight > clientHeight && scrollTop + clientHeight >= scrollHeight - this.#row / 2) this.following = true;
    else if (up) this.following = false;
    if (this.following) this.#unseen = 0;
    if (scrollTop < NEAR_TOP * this.#row && !this.following) this.#older();
    this.#changed();
  }

  #draw() {
    const { scrollTop, clientHeight } = this.#view;
    const { view: lines, filter } = this.lines;
    this.#pool.draw(lines, {
      scrollTop,
      clientHeight,
      height: this.#row,
      query: filter.query,
      selected: this.selected,
    });
  }

  /** @param {import("./log-buffer.js").Filter} filter */
  #refilter(filter) {
    const anchor = this.following ? null : this.lines.view[Math.floor(this.#view.scrollTop / this.#row)];
    this.lines.setFilter(filter, EXAMINED);
    style(this.#space, "height", `${this.lines.view.length * this.#row}px`);
    if (anchor) this.#view.scrollTop = this.lines.rowOf(anchor.seq) * this.#row;
    this.#changed();
  }

  #examine() {
    const found = this.lines.examine(EXAMINED);
    style(this.#space, "height", `${this.lines.view.length * this.#row}px`);
    if (!this.following) this.#view.scrollTop += found * this.#row;
    this.#changed();
  }

  /**
   * Fetches the page of lines before the first one. `seq` has no gaps, so where it begins can be counted.
   * @param {number} [size]
   * @returns {Promise<boolean>} whether lines have come
   */
  #older(size = PAGE) {
    const first = this.lines.first?.seq ?? 0;
    if (this.#replays || first <= 1 || !this.lines.hasRoom) return Promise.resolve(false);
    this.#fetching ??= this.#fetch(first, size).finally(() => {
      this.#fetching = null;
    });
    return this.#fetching;
  }

  /** @param {number} first @param {number} size */
  async #fetch(first, size) {
    const since = Math.max(0, first - 1 - size);
    const page = await catchApiError(events({ since, limit: first - 1 - since }));
    if (!page || this.#replays || this.lines.first?.seq !== first) return false;
    this.#putBefore(page.filter((event) => event.seq < first).map(toLogLine));
    return page.length > 0;
  }

  /** While a filter leaves the view half empty, earlier lines are looked through, a page after the other. */
  #search() {
    const room = this.lines.filtered && this.lines.view.length * this.#row < this.#view.clientHeight;
    if (room && !this.lines.pending && this.lines.all.length < CAPACITY && !this.#fetching) this.#older(SEARCH_PAGE);
  }

  /** Goes to a line, and fetches those before it until it is there. @param {number} seq */
  async #reveal(seq) {
    this.following = false;
    while (this.#wanted === seq && (this.#live.first?.seq ?? 0) > seq) if (!(await this.#older(SEARCH_PAGE))) break;
    if (this.#wanted !== seq || this.#replays) return;
    this.#wanted = 0;
    if (!this.lines.view.some((line) => line.seq === seq)) this.filter.clear();
    const row = this.lines.rowOf(seq);
    const line = this.lines.view[row];
    if (line?.seq !== seq) return toast(`The log has no line ${seq}.`, "bad");
    style(this.#space, "height", `${this.lines.view.length * this.#row}px`);
    this.#view.scrollTop = (row + 0.5) * this.#row - this.#view.clientHeight / 2;
    this.select(line);
  }

  /** @param {Line[]} lines */
  #putBefore(lines) {
    if (!lines.length) return;
    const added = this.lines.prepend(lines);
    this.filter.learn(lines);
    style(this.#space, "height", `${this.lines.view.length * this.#row}px`);
    if (!this.following) this.#view.scrollTop += added * this.#row;
    this.#changed();
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const row = event.target instanceof Element ? event.target.closest(".log-row") : null;
    const line = this.#pool.lineOf(row);
    if (line && !getSelection()?.toString()) this.select(line === this.selected ? null : line);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") this.#move(event.key === "ArrowDown" ? 1 : -1);
    else if (event.key === "c" && this.selected) this.detail.copy();
    else if (event.key === "Escape" && this.selected) this.select(null);
    else if (event.key === "End") this.latest();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Moves the selection and keeps it in sight. @param {1 | -1} by */
  #move(by) {
    const { view } = this.lines;
    if (!view.length) return;
    const here = this.selected
      ? this.lines.rowOf(this.selected.seq)
      : Math.floor((this.#view.scrollTop + this.#view.clientHeight) / this.#row);
    const row = Math.min(view.length - 1, Math.max(0, here + by));
    scrollIntoSight(this.#view, row * this.#row, 4 * this.#row);
    this.select(view[row]);
    this.#view.setAttribute("aria-activedescendant", `line-${view[row].seq}`);
  }
}
