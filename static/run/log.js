// @ts-check
/**
 * The live log: only the rows in sight are in the document, however many lines are stored. It follows the newest line
 * until the reader scrolls up, and then nothing moves; older lines are fetched when the top comes near, and when a filter
 * leaves room. A search is answered by the server for what is not loaded. A line far up is shown in a part of the log of
 * its own, while the live lines are collected.
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
import { readPart } from "./log-part.js";
import { LogSearch } from "./log-search.js";
import { renderLogStatus } from "./log-status.js";
import { RowPool, scrollIntoSight } from "./row-pool.js";

/** @typedef {import("./log-line.js").Line} Line */
/** @typedef {import("./log-part.js").LogPart} LogPart */
/** @typedef {import("../state.js").Envelope} Envelope */

/** Lines fetched at once while the reader scrolls, and while something is searched further up. */
const PAGE = 500;
const SEARCH_PAGE = 2_000;
/** Lines that a new filter examines in one frame. */
const EXAMINED = 8_000;
/** Most lines that are copied at once. */
const COPY_MOST = 10_000;
/** More lines are fetched when fewer rows than this are left above, or below in a part of the log. */
const NEAR_EDGE = 40;
/** A line this far before the first one is shown in a part of its own, not after loading all between. */
const FAR = 2 * SEARCH_PAGE;

export class Log {
  #live = new LogBuffer();
  /** What is shown: the live lines, a part of the log further up, or those of a replay. */
  lines = this.#live;
  /** The part of the log that is shown. @type {LogPart | null} */ #part = null;
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
    this.search = new LogSearch((lines) => this.#putFound(lines));
    this.filter = new LogFilter((filter) => this.#refilter(filter));
    this.#view.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#view.addEventListener("click", (event) => this.#clicked(event));
    this.#view.addEventListener("keydown", (event) => this.#key(event));
    byId("log-latest").addEventListener("click", () => this.latest());
    byId("log-older").addEventListener("click", () => this.#further());
    this.detail = new LogDetail({ close: () => this.select(null), showAround: () => this.#showAround() });
    new ResizeObserver(() => this.#measure()).observe(this.#view);
  }

  /** Starts again: another epoch, or a gap that was not filled. @param {Envelope[]} envelopes */
  reset(envelopes) {
    this.#leavePart();
    this.#live.reset(envelopes.map(toLogLine));
    this.#ask();
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
    if (gone) this.#askAgain();
    if (this.#part) return this.#changed();
    if (gone && !this.following) this.#view.scrollTop -= gone * this.#row;
    this.#changed();
  }

  /**
   * Shows these lines instead of the live ones, which are collected meanwhile; null shows the live ones again.
   * @param {Line[] | null} lines
   */
  replay(lines) {
    if (lines === null && !this.#replays) return;
    if (lines && !this.#replays) {
      this.#part = null;
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
    const { following, search } = this;
    const state = { replays: this.#replays, isPart: this.#part !== null, isFetching: this.#fetching !== null };
    renderLogStatus(this.lines, { ...state, following, search, unseen: this.#unseen });
    this.#view.setAttribute("aria-rowcount", String(this.lines.view.length));
    this.#fillView();
  }

  /** Shows the log instead of the output beside it. */
  open() {
    if (byId("log").hidden) byId("pane-log").click();
  }

  latest() {
    this.open();
    this.#leavePart();
    this.following = true;
    this.#unseen = 0;
    this.#changed();
    this.#view.focus({ preventScroll: true });
  }

  /** @param {Line | null} line */
  select(line) {
    if (line !== this.selected && !this.#replays) setUrlParams({ line: line && String(line.seq) });
    this.selected = line;
    this.detail.show(line, this.lines.filtered && !this.#replays);
    this.#changed();
  }

  /** The newest lines that the filter leaves, as text. */
  copyAll() {
    const lines = this.lines.view.slice(-COPY_MOST);
    copyText(lines.map(asText).join("\n"), `${plural(lines.length, "line")} copied`);
  }

  get #replays() {
    return this.lines !== this.#live && this.lines !== this.#part;
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
    const isAtEnd = scrollHeight > clientHeight && scrollTop + clientHeight >= scrollHeight - this.#row / 2;
    if (isAtEnd && !this.#part) this.following = true;
    else if (up) this.following = false;
    if (this.following) this.#unseen = 0;
    const edge = NEAR_EDGE * this.#row;
    if (scrollTop < edge && !this.following) this.#further();
    if (this.#part && !up && scrollTop + clientHeight > scrollHeight - edge) void this.#newer();
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
    if (filter.query) this.#leavePart();
    const anchor = this.following ? null : this.lines.view[Math.floor(this.#view.scrollTop / this.#row)];
    this.lines.setFilter(filter, EXAMINED);
    style(this.#space, "height", `${this.lines.view.length * this.#row}px`);
    if (anchor) this.#view.scrollTop = this.lines.rowOf(anchor.seq) * this.#row;
    this.#ask();
    if (this.selected) this.select(this.selected);
    this.#changed();
  }

  /** Asks the server for what the filter searches in the lines that are not loaded. */
  #ask() {
    if (!this.#replays) this.search.ask(this.lines.filter, this.lines.first?.seq ?? 0);
  }

  /** Asks anew, since other lines are loaded now. */
  #askAgain() {
    if (!this.search.active) return;
    this.lines.setFilter(this.filter.value, EXAMINED);
    this.#ask();
  }

  /** @param {Line[]} lines that the server has found further up */
  #putFound(lines) {
    if (this.#replays) return;
    this.lines.putFound(lines);
    style(this.#space, "height", `${this.lines.view.length * this.#row}px`);
    if (!this.following) this.#view.scrollTop += lines.length * this.#row;
    this.#changed();
  }

  /** Gets what is further up: lines, or of a search its matches. */
  #further() {
    if (this.search.active && !this.#replays) this.search.older();
    else void this.#older();
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
  #fillView() {
    const room = this.lines.filtered && this.lines.view.length * this.#row < this.#view.clientHeight;
    if (this.search.active && !this.#replays) return room && this.search.older();
    if (room && !this.lines.pending && this.lines.all.length < CAPACITY && !this.#fetching) this.#older(SEARCH_PAGE);
  }

  /** Goes to a line: it is there, or those before it are fetched, or the part of the log around it. @param {number} seq */
  async #reveal(seq) {
    this.following = false;
    const first = this.#live.first?.seq ?? 0;
    if (first - seq > FAR) return this.#openPart(seq);
    this.#leavePart();
    while (this.#wanted === seq && (this.#live.first?.seq ?? 0) > seq) if (!(await this.#older(SEARCH_PAGE))) break;
    if (this.#wanted === seq && !this.#replays) this.#goTo(seq);
  }

  /** Shows the part of the log around a line, further up than what is loaded. @param {number} seq */
  async #openPart(seq) {
    const part = await readPart(seq);
    if (!part || this.#wanted !== seq || this.#replays) return;
    this.lines = this.#part = part;
    this.lines.setFilter(this.filter.value);
    this.#goTo(seq);
  }

  /** @param {number} seq of a line that is loaded */
  #goTo(seq) {
    this.#wanted = 0;
    if (!this.lines.view.some((line) => line.seq === seq)) this.filter.clear();
    const row = this.lines.rowOf(seq);
    const line = this.lines.view[row];
    if (line?.seq !== seq) return toast(`The log has no line ${seq}.`, "bad");
    style(this.#space, "height", `${this.lines.view.length * this.#row}px`);
    this.#view.scrollIntoView({ block: "nearest" });
    // Above the middle: below it the detail of the line is.
    this.#view.scrollTop = row * this.#row - this.#view.clientHeight / 4;
    this.select(line);
  }

  /** Shows the selected line among those around it. */
  #showAround() {
    const seq = this.selected?.seq ?? 0;
    this.filter.clear();
    this.#wanted = seq;
    void this.#reveal(seq);
  }

  /** Shows the live lines again. */
  #leavePart() {
    if (!this.#part) return;
    this.#part = null;
    this.lines = this.#live;
    this.lines.setFilter(this.filter.value);
    this.#ask();
    this.#changed();
  }

  /** Fetches the lines after those of the part; where it reaches the live ones, they are one again. */
  async #newer() {
    const part = this.#part;
    const live = this.#live.first?.seq ?? Number.POSITIVE_INFINITY;
    if (!part || !(await part.newer(live)) || this.#part !== part) return;
    if (part.end >= live) this.#joinPart(part);
    this.#changed();
  }

  /** @param {LogPart} part that ends where the live lines begin */
  #joinPart(part) {
    this.#live.setFilter(this.filter.value);
    this.#live.prepend(part.all);
    this.#part = null;
    this.lines = this.#live;
  }

  /** @param {Line[]} lines */
  #putBefore(lines) {
    if (!lines.length) return;
    const added = this.lines.prepend(lines);
    this.filter.learn(lines);
    style(this.#space, "height", `${this.lines.view.length * this.#row}px`);
    if (!this.following) this.#view.scrollTop += added * this.#row;
    this.#askAgain();
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
