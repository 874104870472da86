// @ts-check
/**
 * The log's lines: a bounded store in order of `seq`, and the view of it that a filter leaves. It knows nothing of the
 * document; the numbers it answers are rows of the view. A new filter looks at the newest lines first, and at no more
 * at once than it is allowed to, so that a long log blocks no other work.
 */

import { hasTerms, termsOf } from "../kit/search-terms.js";

/** @typedef {import("./log-line.js").Line} Line */
/**
 * @typedef {{story: string, command: string, level: number, query: string}} Filter `""` and 0 let everything through
 */

/** LogBuffer kept while following; older ones come from the server again. About 40 MB of memory. */
export const CAPACITY = 100_000;
/** LogBuffer dropped at once, so that dropping is rare. */
const SLACK = 5_000;
/** Most lines kept while the reader is further up. */
const READING_CAPACITY = 3 * CAPACITY;

/** @type {Filter} */
export const EVERYTHING = { story: "", command: "", level: 0, query: "" };

export class LogBuffer {
  /** @type {Line[]} */ all = [];
  /** @type {Line[]} */ view = [];
  /** @type {Filter} */ filter = EVERYTHING;
  /** How many of the oldest lines the filter has not looked at. */
  pending = 0;
  /** How many rows at the top of the view are lines that are not loaded: what a search has found further up. */
  found = 0;

  get filtered() {
    return this.view !== this.all;
  }

  get first() {
    return this.all[0];
  }

  constructor() {
    this.view = this.all;
  }

  /** Starts again from these lines. @param {Line[]} lines */
  reset(lines) {
    this.all = lines;
    this.setFilter(this.filter);
  }

  /** @param {readonly Line[]} lines newer than all there are */
  append(lines) {
    const filtered = this.filtered;
    for (const line of lines) {
      this.all.push(line);
      if (filtered && matches(line, this.filter)) this.view.push(line);
    }
  }

  /**
   * Puts older lines in front.
   * @param {readonly Line[]} lines older than all there are
   * @returns {number} how many of them are in the view
   */
  prepend(lines) {
    const filtered = this.filtered;
    const before = this.view.length;
    this.all = lines.concat(this.all);
    if (!filtered) this.view = this.all;
    else {
      const above = this.view.slice(0, this.found).filter((line) => line.seq < lines[0].seq);
      const matching = this.pending ? [] : lines.filter((line) => matches(line, this.filter));
      if (this.pending) this.pending += lines.length;
      this.view = above.concat(matching, this.view.slice(this.found));
      this.found = above.length;
    }
    return this.view.length - before;
  }

  /** Puts lines above the view that match its filter. @param {readonly Line[]} lines older than all in the view */
  putFound(lines) {
    if (!this.filtered) return;
    this.view = lines.concat(this.view);
    this.found += lines.length;
  }

  /** Whether lines before the first may still be taken in. */
  get hasRoom() {
    return this.all.length < READING_CAPACITY;
  }

  /**
   * Drops the oldest lines over the capacity.
   * @param {boolean} reading whether the reader is further up: more lines are allowed
   * @returns {number} rows that left the view
   */
  trim(reading) {
    const capacity = reading ? READING_CAPACITY : CAPACITY;
    if (this.all.length <= capacity + SLACK) return 0;
    const before = this.view.length;
    const filtered = this.filtered;
    this.pending = Math.max(0, this.pending - (this.all.length - capacity));
    this.all = this.all.slice(-capacity);
    const oldest = this.all[0].seq;
    const [above, loaded] = [this.view.slice(0, this.found), this.view.slice(this.found)];
    this.view = filtered ? above.concat(loaded.filter((line) => line.seq >= oldest)) : this.all;
    return before - this.view.length;
  }

  /** @param {Filter} filter @param {number} [most] lines that are examined now; `examine` continues */
  setFilter(filter, most = Infinity) {
    this.filter = filter;
    this.view = isOpen(filter) ? this.all : [];
    this.found = 0;
    this.pending = isOpen(filter) ? 0 : this.all.length;
    this.examine(most);
  }

  /**
   * Lets the filter look at further lines, newest first.
   * @param {number} most
   * @returns {number} rows that came to the view, in front of the others
   */
  examine(most) {
    if (!this.pending) return 0;
    const from = Math.max(0, this.pending - most);
    const found = this.all.slice(from, this.pending).filter((line) => matches(line, this.filter));
    this.pending = from;
    this.view = this.view.slice(0, this.found).concat(found, this.view.slice(this.found));
    return found.length;
  }

  /** The lines of the view that are in a range. @param {import("./line-range.js").LineRange} range */
  between({ first, last }) {
    return this.view.slice(this.rowOf(first), this.rowOf(last + 1));
  }

  /** The row of the first line at or after a `seq`. @param {number} seq */
  rowOf(seq) {
    let low = 0;
    let high = this.view.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.view[middle].seq < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** @param {Filter} filter */
function isOpen(filter) {
  return !filter.story && !filter.command && !filter.level && !filter.query;
}

/** @param {Line} line @param {Filter} filter `query` in lower case */
export function matches(line, filter) {
  if (line.level < filter.level) return false;
  if (filter.story && line.story !== filter.story && !line.others.includes(filter.story)) return false;
  if (filter.command && baseOf(line.command) !== filter.command) return false;
  return !filter.query || hasTerms(haystack(line), termsOf(filter.query));
}

/** "code-review-2" -> "code-review". @param {string} command */
export function baseOf(command) {
  return command.replace(/-\d+$/, "");
}

/** Made when first searched: most lines never are. @param {Line} line */
function haystack(line) {
  line.haystack ||= `${line.story} ${line.command} ${line.task} ${line.status} ${line.message}`.toLowerCase();
  return line.haystack;
}
