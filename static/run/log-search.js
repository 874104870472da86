// @ts-check
/**
 * The search of the log beyond the lines that are loaded: how many older ones match, and the newest of those, by the
 * server's index.
 */
import { catchApiError, get } from "../kit/api.js";
import { matches } from "./log-buffer.js";
import { toLogLine } from "./log-line.js";

/** @typedef {import("./log-buffer.js").Filter} Filter */
/** @typedef {import("./log-line.js").Line} Line */

/** Matches fetched at once. */
const PAGE = 100;
/** While the server has not taken in the whole log, it is asked again after this long, in ms. */
const AGAIN_MS = 1_000;

export class LogSearch {
  /** How many older lines match, null while that is not known. @type {number | null} */ count = null;
  /** Whether there may be more than `count`. */
  isMore = false;
  /** Whether the server is asked just now. */
  isBusy = false;
  /** Why the server does not search, "" while it does. */
  problem = "";
  /** @type {Filter | null} */ #filter = null;
  /** The number of the question; what is answered to an earlier one is not taken. */
  #asked = 0;
  #timer = 0;
  /** The first line that was loaded when the search began. */
  before = 0;
  /** @type {string | null} */ #after = null;
  #onFound;
  #onGrown;

  /**
   * @param {(lines: Line[]) => void} onFound gets lines in order, older than all before
   * @param {() => boolean} onGrown called when the server may have taken in more of the log than it has searched;
   *   answers whether it was asked anew, or else is called again
   */
  constructor(onFound, onGrown) {
    this.#onFound = onFound;
    this.#onGrown = onGrown;
  }

  /** Whether a search is under way that the server answers. */
  get active() {
    return this.#filter !== null && !this.problem;
  }

  get hasMore() {
    return this.#after !== null;
  }

  /**
   * Searches for what a filter says in the lines before one; a filter without a text ends the search.
   * @param {Filter} filter
   * @param {number} before the first line that is loaded
   */
  ask(filter, before) {
    this.#filter = filter.query ? filter : null;
    this.#asked += 1;
    clearTimeout(this.#timer);
    this.isBusy = false;
    this.before = before;
    this.count = null;
    this.isMore = false;
    this.#after = null;
    this.problem = "";
    if (!this.#filter) return;
    if (before <= 1) this.count = 0;
    else void this.#read(this.#filter, {});
  }

  /** Fetches further matches. */
  older() {
    if (this.#filter && this.#after && !this.isBusy) void this.#read(this.#filter, { after: this.#after });
  }

  /** @param {Filter} filter @param {Record<string, string>} where */
  async #read(filter, where) {
    const asked = this.#asked;
    this.isBusy = true;
    const page = await catchApiError(get(`/api/search?${this.#params(filter, where)}`), (error) => {
      if (this.#asked === asked) this.problem = error.message;
      return null;
    });
    if (this.#asked !== asked) return;
    this.isBusy = false;
    this.#after = page?.after ?? null;
    if (page && page.count !== null) {
      this.count = page.count;
      this.isMore = page.more || Boolean(page.backlog?.events);
      if (page.backlog?.events) this.#growSoon();
    }
    /** @type {Line[]} */
    const lines = (page?.results ?? []).map((/** @type {any} */ result) => toLogLine(result.event)).reverse();
    // The text was compared by the server, the level is the page's.
    this.#onFound(lines.filter((line) => matches(line, { ...filter, query: "" })));
  }

  #growSoon() {
    this.#timer = window.setTimeout(() => this.#onGrown() || this.#growSoon(), AGAIN_MS);
  }

  /** @param {Filter} filter @param {Record<string, string>} where */
  #params({ query, story, command }, where) {
    const params = { q: query, kind: "event", limit: String(PAGE), before: String(this.before), ...where };
    return new URLSearchParams({ ...params, ...(story && { story }), ...(command && { command }) });
  }
}
