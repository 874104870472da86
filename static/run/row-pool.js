// @ts-check
/** The rows of the log that are in the document: a fixed number of elements, each reused for the lines that come by. */
import { isInRange } from "./line-range.js";
import { LogRow } from "./log-row.js";

/** @typedef {import("./log-line.js").Line} Line */
/**
 * @typedef {{scrollTop: number, clientHeight: number, height: number, query: string,
 *   selected: import("./line-range.js").LineRange | null}} Sight what is in sight, in px, with the height of a row
 */

/** Rows drawn above and below what is in sight. */
const SPARE_ROWS = 6;

export class RowPool {
  #space;
  /** @type {LogRow[]} */ #rows = [];

  /** @param {HTMLElement} space that is as high as all lines together */
  constructor(space) {
    this.#space = space;
  }

  /** @param {readonly Line[]} lines @param {Sight} sight */
  draw(lines, { scrollTop, clientHeight, height, query, selected }) {
    const from = Math.max(0, Math.floor(scrollTop / height) - SPARE_ROWS);
    const to = Math.min(lines.length, Math.ceil((scrollTop + clientHeight) / height) + SPARE_ROWS);
    this.#grow(Math.ceil(clientHeight / height) + 2 * SPARE_ROWS + 1);
    const { length } = this.#rows;
    for (let index = from; index < from + length; index += 1) {
      const row = this.#rows[index % length];
      if (index >= to) row.hide();
      else row.show(lines[index], { index, height, query, selected: isInRange(selected, lines[index].seq) });
    }
  }

  /** The line that an element shows. @param {Element | null} el */
  lineOf(el) {
    return this.#rows.find((row) => row.el === el)?.line;
  }

  /** @param {number} size */
  #grow(size) {
    while (this.#rows.length < size) {
      const row = new LogRow();
      this.#space.append(row.el);
      this.#rows.push(row);
    }
  }
}

/** @param {HTMLElement} view that scrolls @param {number} top px @param {number} height px that is to be in sight */
export function scrollIntoSight(view, top, height) {
  if (top < view.scrollTop) view.scrollTop = top;
  else if (top + height > view.scrollTop + view.clientHeight) view.scrollTop = top + height - view.clientHeight;
}
