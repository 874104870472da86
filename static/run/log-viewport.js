// @ts-check
/**
 * Where the reader of the log is: the rows in sight, and whether the newest line is followed. What is put in or taken out
 * above does not move what is read.
 */
import { byId, style } from "../kit/dom.js";
import { RowPool, scrollIntoSight } from "./row-pool.js";

/** @typedef {import("./log-buffer.js").LogBuffer} LogBuffer */
/** @typedef {import("./log-line.js").Line} Line */

/** More lines are fetched when fewer rows than this are left above or below. */
const NEAR_EDGE = 40;

export class LogViewport {
  following = true;
  el = byId("log-view");
  #space = byId("log-space");
  #pool = new RowPool(this.#space);
  /** The height of a row, and the distance from the top when it was last scrolled, in px. */
  #row = 26;
  #top = 0;

  /** @param {() => void} onSize called when the size has changed */
  constructor(onSize) {
    const measure = () => {
      this.#row = Math.round(1.75 * parseFloat(getComputedStyle(document.documentElement).fontSize));
      style(this.el, "--row", `${this.#row}px`);
      onSize();
    };
    new ResizeObserver(measure).observe(this.el);
  }

  get isHidden() {
    return !this.el.clientHeight;
  }

  /** The first row in sight. */
  get first() {
    return Math.floor(this.el.scrollTop / this.#row);
  }

  /** The first row below what is in sight. */
  get last() {
    return Math.floor((this.el.scrollTop + this.el.clientHeight) / this.#row);
  }

  /** Whether so many rows leave some of it empty. @param {number} count */
  hasRoom(count) {
    return count * this.#row < this.el.clientHeight;
  }

  /** Makes it as high as so many rows. @param {number} count */
  fit(count) {
    style(this.#space, "height", `${count * this.#row}px`);
  }

  /** Keeps what is read in place when rows come above it. @param {number} rows below 0 for rows that left */
  shift(rows) {
    if (rows && !this.following) this.el.scrollTop += rows * this.#row;
  }

  /** Puts a row to the top. @param {number} row */
  scrollTo(row) {
    this.el.scrollTop = row * this.#row;
  }

  /** Shows a row above the middle: below it the detail of the line is. @param {number} row */
  reveal(row) {
    this.el.scrollIntoView({ block: "nearest" });
    this.el.scrollTop = row * this.#row - this.el.clientHeight / 4;
  }

  /** Scrolls as little as brings a row into sight. @param {number} row */
  keepInSight(row) {
    scrollIntoSight(this.el, row * this.#row, 4 * this.#row);
  }

  /**
   * Takes note of where the reader has scrolled to.
   * @param {boolean} canFollow whether the newest line is the last one
   * @returns {{isNearTop: boolean, isNearEnd: boolean}} `isNearEnd` only on the way down
   */
  scrolled(canFollow) {
    const { scrollTop, clientHeight, scrollHeight } = this.el;
    const up = scrollTop < this.#top - 1;
    this.#top = scrollTop;
    // Where a filter leaves so little that nothing scrolls, it is not the reader who went to the top or to the end.
    const scrolls = scrollHeight > clientHeight;
    const isAtEnd = scrolls && scrollTop + clientHeight >= scrollHeight - this.#row / 2;
    if (isAtEnd && canFollow) this.following = true;
    else if (up && scrolls) this.following = false;
    const edge = NEAR_EDGE * this.#row;
    return { isNearTop: scrollTop < edge, isNearEnd: !up && scrollTop + clientHeight > scrollHeight - edge };
  }

  /** @param {LogBuffer} lines @param {import("./line-range.js").LineRange | null} selected */
  draw({ view, filter }, selected) {
    if (this.following) this.el.scrollTop = this.#space.offsetHeight;
    const { scrollTop, clientHeight } = this.el;
    // Its event comes later, perhaps together with the first step of a reader who scrolls up.
    if (this.following) this.#top = scrollTop;
    this.#pool.draw(view, { scrollTop, clientHeight, height: this.#row, query: filter.query, selected });
    this.el.setAttribute("aria-rowcount", String(view.length));
  }

  /** The line that an element shows. @param {EventTarget | null} target */
  lineAt(target) {
    return this.#pool.lineOf(target instanceof Element ? target.closest(".log-row") : null);
  }
}
