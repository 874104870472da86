// @ts-check
/**
 * The live log: only the rows in sight are in the document, however many lines are stored. It follows the newest line
 * until the reader scrolls up, and then nothing moves; older lines are fetched when the top comes near, and when a filter
 * leaves room. A search is answered by the server for what is not loaded. A line far up is shown in a part of the log of
 * its own, while the live lines are collected.
 */

import { byId } from "../kit/dom.js";
import { toast } from "../kit/toast.js";
import { isSameRange, parseRange, rangeOf } from "./line-range.js";
import { CAPACITY } from "./log-buffer.js";
import { COPY_MOST, copyLines } from "./log-detail.js";
import { LogFilter } from "./log-filter.js";
import { toLogLine } from "./log-line.js";
import { LogLines } from "./log-lines.js";
import { LogSearch } from "./log-search.js";
import { LogSelection } from "./log-selection.js";
import { renderLogStatus } from "./log-status.js";
import { LogViewport } from "./log-viewport.js";

/** @typedef {import("./line-range.js").LineRange} LineRange */
/** @typedef {import("./log-line.js").Line} Line */
/** @typedef {import("../state.js").Envelope} Envelope */

/** Lines fetched at once while the reader scrolls, and while something is searched further up. */
const PAGE = 500;
const SEARCH_PAGE = 2_000;
/** Lines that a new filter examines in one frame. */
const EXAMINED = 8_000;
/** A line this far before the first one is shown in a part of its own, not after loading all between. */
const FAR = 2 * SEARCH_PAGE;

export class Log {
  #source = new LogLines((lines) => this.#putBefore(lines));
  #port = new LogViewport(() => this.#changed());
  #unseen = 0;
  /** @type {LineRange | null} */ #wanted = null;
  #selection;
  #dirty = false;
  #asked = false;

  constructor() {
    this.search = new LogSearch(
      (lines) => this.#putFound(lines),
      // Who has scrolled up reads what was found until they come back.
      () => this.#port.following && this.#askAgain(),
    );
    this.filter = new LogFilter((filter) => this.#refilter(filter));
    this.#selection = new LogSelection(this.#port, {
      lines: () => this.lines,
      isReplay: () => this.#source.isReplay,
      reachTo: (seq) => this.#source.reachTo(seq, this.filter.value, COPY_MOST),
      showAround: (range) => this.#showAround(range),
      latest: () => this.latest(),
      changed: () => this.#changed(),
    });
    this.#port.el.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    byId("log-latest").addEventListener("click", () => this.latest());
    byId("log-older").addEventListener("click", () => this.#further());
  }

  /** Starts again: another epoch, or a gap that was not filled. @param {Envelope[]} envelopes */
  reset(envelopes) {
    this.#leavePart();
    this.#source.live.reset(envelopes.map(toLogLine));
    this.#ask();
    this.filter.learn(this.#source.live.all);
    this.#selection.select(null);
    this.#port.following = true;
    this.#unseen = 0;
    this.#changed();
    this.#source.older(PAGE);
    if (this.#wanted) this.#reveal(this.#wanted);
  }

  /** Applies the address: a filter, and lines to show. @param {URLSearchParams} params */
  route(params) {
    this.filter.route(params);
    const range = parseRange(params.get("line"));
    if (!range || isSameRange(range, this.#selection.range)) return;
    this.#wanted = range;
    if (this.#source.live.first) this.#reveal(range);
  }

  /** Adds the events of an `init`: only the new ones, if they adjoin those that are loaded. @param {Envelope[]} envelopes */
  join(envelopes) {
    const last = this.#source.live.all.at(-1)?.seq ?? -1;
    const joins = envelopes.length > 0 && envelopes[0].seq <= last + 1 && last > 0;
    if (!joins) return this.reset(envelopes);
    this.append(envelopes.filter((event) => event.seq > last));
  }

  /** @param {Envelope[]} envelopes in order, newer than all before */
  append(envelopes) {
    if (!envelopes.length) return;
    const lines = envelopes.map(toLogLine);
    const before = this.#source.live.view.length;
    this.#source.live.append(lines);
    this.filter.learn(lines);
    if (this.#source.isReplay) return;
    if (!this.#port.following) this.#unseen += this.#source.live.view.length - before;
    const gone = this.#source.live.trim(!this.#port.following);
    if (gone) this.#askAgain();
    if (!this.#source.part) this.#port.shift(-gone);
    this.#changed();
  }

  /** The lines that are shown. */
  get lines() {
    return this.#source.shown;
  }

  /**
   * Shows these lines instead of the live ones, which are collected meanwhile; null shows the live ones again.
   * @param {Line[] | null} lines
   */
  replay(lines) {
    const { isReplay } = this.#source;
    if (lines === null && !isReplay) return;
    if (!isReplay) this.#port.following = true;
    this.#source.replay(lines, this.filter.value);
    if (this.#selection.line && !lines?.includes(this.#selection.line)) this.#selection.select(null);
    this.#changed();
  }

  /** Draws, if anything changed or the tab was hidden; called once per frame. */
  render() {
    if (!this.#dirty || this.#port.isHidden) return;
    this.#dirty = false;
    if (this.lines.pending) this.#examine();
    this.#fit();
    this.#port.draw(this.lines, this.#selection.range);
    const { following } = this.#port;
    const { search } = this;
    const state = {
      replays: this.#source.isReplay,
      isPart: this.#source.part !== null,
      isFetching: this.#source.isFetching,
    };
    renderLogStatus(this.lines, { ...state, following, search, unseen: this.#unseen });
    this.#fillView();
  }

  /** Shows the log instead of the output beside it. */
  open() {
    if (byId("log").hidden) byId("pane-log").click();
  }

  latest() {
    this.open();
    this.#leavePart();
    this.#port.following = true;
    this.#unseen = 0;
    this.#changed();
    this.#port.el.focus({ preventScroll: true });
  }

  /** The newest lines that the filter leaves, as text. */
  copyAll() {
    copyLines(this.lines.view);
  }

  #changed() {
    if (this.#dirty && this.#asked) return;
    this.#dirty = this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      this.render();
    });
  }

  #scrolled() {
    const { isNearTop, isNearEnd } = this.#port.scrolled(!this.#source.part);
    if (this.#port.following) this.#unseen = 0;
    else if (isNearTop) this.#further();
    if (this.#source.part && isNearEnd)
      void this.#source.newer(this.filter.value).then((grown) => grown && this.#changed());
    this.#changed();
  }

  #fit() {
    this.#port.fit(this.lines.view.length);
  }

  /** @param {import("./log-buffer.js").Filter} filter */
  #refilter(filter) {
    if (filter.query) this.#leavePart();
    const anchor = this.#port.following ? null : this.lines.view[this.#port.first];
    this.lines.setFilter(filter, EXAMINED);
    this.#fit();
    if (anchor) this.#port.scrollTo(this.lines.rowOf(anchor.seq));
    this.#ask();
    this.#selection.refresh();
    this.#changed();
  }

  /** Asks the server for what the filter searches in the lines that are not loaded. */
  #ask() {
    if (!this.#source.isReplay) this.search.ask(this.lines.filter, this.lines.first?.seq ?? 0);
  }

  /** Asks anew, since other lines are loaded now. @returns {boolean} whether there is anything to ask */
  #askAgain() {
    if (!this.search.active) return false;
    this.lines.setFilter(this.filter.value, EXAMINED);
    this.#ask();
    return true;
  }

  /** @param {Line[]} lines that the server has found further up */
  #putFound(lines) {
    if (this.#source.isReplay) return;
    this.lines.putFound(lines);
    this.#fit();
    this.#port.shift(lines.length);
    this.#changed();
  }

  /** Gets what is further up: lines, or of a search its matches. */
  #further() {
    if (this.search.active && !this.#source.isReplay) this.search.older();
    else void this.#source.older(PAGE);
  }

  #examine() {
    const found = this.lines.examine(EXAMINED);
    this.#fit();
    this.#port.shift(found);
    this.#changed();
  }

  /** While a filter leaves the view half empty, earlier lines are looked through, a page after the other. */
  #fillView() {
    const room = this.lines.filtered && this.#port.hasRoom(this.lines.view.length);
    if (this.search.active && !this.#source.isReplay) return room && this.search.older();
    if (room && !this.lines.pending && this.lines.all.length < CAPACITY && !this.#source.isFetching)
      void this.#source.older(SEARCH_PAGE);
  }

  /** Goes to lines: they are there, or those before are fetched, or the part of the log around. @param {LineRange} range */
  async #reveal(range) {
    this.#port.following = false;
    const seq = range.first;
    const first = this.#source.firstLive ?? 0;
    const isWanted = () => this.#wanted === range && !this.#source.isReplay;
    if (first - seq > FAR) {
      if (await this.#source.openPart(seq, this.filter.value, isWanted)) this.#goTo(range);
      return;
    }
    this.#leavePart();
    while (isWanted() && (this.#source.firstLive ?? 0) > seq) if (!(await this.#source.older(SEARCH_PAGE))) break;
    if (isWanted()) this.#goTo(range);
  }

  /** @param {LineRange} range its first line is loaded */
  #goTo({ first, last }) {
    this.#wanted = null;
    if (!this.lines.view.some((line) => line.seq === first)) this.filter.clear();
    const row = this.lines.rowOf(first);
    const line = this.lines.view[row];
    if (line?.seq !== first) return toast(`The log has no line ${first}.`, "bad");
    this.#fit();
    this.#port.reveal(row);
    this.#selection.select(line, rangeOf(first, Math.min(last, this.#source.live.all.at(-1)?.seq ?? last)));
  }

  /** Shows the selected lines among those around them. @param {LineRange} range */
  #showAround(range) {
    this.filter.clear();
    this.#wanted = range;
    void this.#reveal(range);
  }

  /** Shows the live lines again. */
  #leavePart() {
    if (!this.#source.part) return;
    this.#source.leavePart(this.filter.value);
    this.#ask();
    this.#changed();
  }

  /** @param {Line[]} lines */
  #putBefore(lines) {
    if (!lines.length) return;
    const added = this.lines.prepend(lines);
    this.filter.learn(lines);
    this.#fit();
    this.#port.shift(added);
    this.#askAgain();
    this.#changed();
  }
}
