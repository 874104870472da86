// @ts-check
/** A part of the log around a line that is far before those that are loaded, and how it grows towards them. */
import { catchApiError, events } from "../kit/api.js";
import { LogBuffer } from "./log-buffer.js";
import { toLogLine } from "./log-line.js";

/** Lines before and after the line that is shown, and those that are fetched at once below. */
const PAGE = 500;

export class LogPart extends LogBuffer {
  #isFetching = false;

  /** The number after the last line. */
  get end() {
    return (this.all.at(-1)?.seq ?? 0) + 1;
  }

  /**
   * Fetches the lines after the last one, those before `stop`.
   * @param {number} stop
   * @returns {Promise<boolean>} whether it has grown
   */
  async newer(stop) {
    if (this.#isFetching) return false;
    this.#isFetching = true;
    const page = await catchApiError(events({ since: this.end - 1, limit: PAGE }));
    this.#isFetching = false;
    const lines = (page ?? []).filter((event) => event.seq < stop).map(toLogLine);
    this.append(lines);
    return lines.length > 0 || this.end >= stop;
  }
}

/** @param {number} seq @returns {Promise<LogPart | null>} null where it cannot be read */
export async function readPart(seq) {
  const page = await catchApiError(events({ since: Math.max(0, seq - 1 - PAGE), limit: 2 * PAGE }));
  if (!page) return null;
  const part = new LogPart();
  part.reset(page.map(toLogLine));
  return part;
}
