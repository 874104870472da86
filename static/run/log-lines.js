// @ts-check
/**
 * Which lines the log shows: the live ones, a part of the log further up, or those of a replay. The live ones are
 * collected all the time; earlier ones are fetched from the server.
 */
import { catchApiError, events } from "../kit/api.js";
import { LogBuffer } from "./log-buffer.js";
import { toLogLine } from "./log-line.js";
import { readPart } from "./log-part.js";

/** @typedef {import("./log-buffer.js").Filter} Filter */
/** @typedef {import("./log-line.js").Line} Line */
/** @typedef {import("./log-part.js").LogPart} LogPart */

export class LogLines {
  live = new LogBuffer();
  shown = this.live;
  /** @type {LogPart | null} */ part = null;
  /** @type {Promise<boolean> | null} */ #fetching = null;
  #onEarlier;

  /** @param {(lines: Line[]) => void} onEarlier gets lines to put before those that are shown */
  constructor(onEarlier) {
    this.#onEarlier = onEarlier;
  }

  get isReplay() {
    return this.shown !== this.live && this.shown !== this.part;
  }

  get isFetching() {
    return this.#fetching !== null;
  }

  /** The number of the first live line, null while there is none. */
  get firstLive() {
    return this.live.first?.seq ?? null;
  }

  /** Shows these lines, those of a replay; null shows the live ones again. @param {Line[] | null} lines @param {Filter} filter */
  replay(lines, filter) {
    if (lines && !this.isReplay) {
      this.part = null;
      this.shown = new LogBuffer();
    } else if (!lines) this.shown = this.live;
    if (lines) this.shown.all = lines;
    this.shown.setFilter(filter);
  }

  /**
   * Shows the part of the log around a line, if that is still `wanted` when it has been read.
   * @param {number} seq @param {Filter} filter @param {() => boolean} wanted
   */
  async openPart(seq, filter, wanted) {
    const part = await readPart(seq);
    if (!part || !wanted()) return false;
    this.shown = this.part = part;
    part.setFilter(filter);
    return true;
  }

  /** Shows the live lines again. @param {Filter} filter */
  leavePart(filter) {
    this.part = null;
    this.shown = this.live;
    this.shown.setFilter(filter);
  }

  /** Fetches the lines after those of the part; where it reaches the live ones, they are one again. @param {Filter} filter */
  async newer(filter) {
    const { part } = this;
    const live = this.firstLive ?? Number.POSITIVE_INFINITY;
    if (!part || !(await part.newer(live)) || this.part !== part) return false;
    if (part.end >= live) {
      this.live.setFilter(filter);
      this.live.prepend(part.all);
      this.part = null;
      this.shown = this.live;
    }
    return true;
  }

  /** Fetches what follows in the part, up to a line. @param {number} seq @param {Filter} filter @param {number} most */
  async reachTo(seq, filter, most) {
    while (this.part && this.part.end <= seq && this.part.all.length < most) if (!(await this.newer(filter))) break;
  }

  /**
   * Fetches the lines before the first one. `seq` has no gaps, so where they begin can be counted.
   * @param {number} size
   * @returns {Promise<boolean>} whether lines have come
   */
  older(size) {
    const first = this.shown.first?.seq ?? 0;
    if (this.isReplay || first <= 1 || !this.shown.hasRoom) return Promise.resolve(false);
    this.#fetching ??= this.#fetch(first, size).finally(() => {
      this.#fetching = null;
    });
    return this.#fetching;
  }

  /** @param {number} first @param {number} size */
  async #fetch(first, size) {
    const since = Math.max(0, first - 1 - size);
    const page = await catchApiError(events({ since, limit: first - 1 - since }));
    if (!page || this.isReplay || this.shown.first?.seq !== first) return false;
    this.#onEarlier(page.filter((event) => event.seq < first).map(toLogLine));
    return page.length > 0;
  }
}
