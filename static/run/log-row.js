// @ts-check
/** One row of the log: an element that is reused for the line at its place. */
import { attr, fill, h, style } from "../kit/dom.js";
import { clock, shortKey } from "../kit/format.js";
import { placesOf, termsOf } from "../kit/search-terms.js";
import { visible } from "../kit/visible.js";

/** @typedef {import("./log-line.js").Line} Line */

/** Longest text put into a row; the detail below the log shows all of it. In characters. */
const ROW_MOST = 600;
const GOOD = new Set(["success", "done", "completed"]);

export class LogRow {
  /** @type {Line | null} */ line = null;
  #cells = Array.from({ length: 6 }, () => h("span", { role: "gridcell" }));
  #query = "";
  /** The distance from the top, in px. */
  #top = -1;
  el = h("div", { class: "log-row", role: "row" }, ...this.#cells);

  /**
   * @param {Line} line
   * @param {{index: number, height: number, query: string, selected: boolean}} place height in px
   */
  show(line, { index, height, query, selected }) {
    if (this.el.hidden) this.el.hidden = false;
    if (this.line !== line || this.#query !== query) this.#fill(line, query);
    const top = index * height;
    if (this.#top !== top) style(this.el, "transform", `translateY(${top}px)`);
    this.#top = top;
    attr(this.el, "aria-rowindex", index + 1);
    attr(this.el, "aria-selected", selected ? "true" : null);
  }

  hide() {
    if (!this.el.hidden) this.el.hidden = true;
    this.el.removeAttribute("id"); // another row may show the line
    this.line = null;
  }

  /** @param {Line} line @param {string} query */
  #fill(line, query) {
    this.line = line;
    this.#query = query;
    this.el.id = `line-${line.seq}`;
    attr(this.el, "data-level", line.level);
    attr(this.el, "data-good", GOOD.has(line.status));
    const story = line.story && shortKey(line.story);
    const texts = [clock(line.at), story, line.command, line.task, line.status, line.message.slice(0, ROW_MOST)];
    // The time is not searched, so nothing is marked in it.
    for (const [index, value] of texts.entries()) write(this.#cells[index], value, index > 0 ? query : "");
  }
}

/**
 * Writes a text with the searched words marked.
 * @param {HTMLElement} cell
 * @param {string} value
 * @param {string} query
 */
function write(cell, value, query) {
  const shown = visible(value);
  const places = query ? placesOf(shown.toLowerCase(), termsOf(query)) : [];
  let end = 0;
  const parts = places.flatMap(([from, to]) => {
    const before = shown.slice(end, from);
    end = to;
    return [before, h("mark", { text: shown.slice(from, to) })];
  });
  fill(cell, ...parts, shown.slice(end));
}
