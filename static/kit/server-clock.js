/**
 * The server's time, which all times of events are: a browser's clock may be minutes or hours away from it.
 *
 * `init` and the ticks of the connection carry it. A message is late by its way, so a small difference says nothing.
 */

/** Differences up to this are those of the way of a message, in ms. */
const JITTER_MS = 1_000;

/** What the server's clock shows more than the browser's, in ms; null until the server has sent its time. */
let ahead = /** @type {number | null} */ (null);

/** The time of the server, in ms since the epoch. */
export function serverNow() {
  return Date.now() + (ahead ?? 0);
}

/**
 * Takes note of the server's time as a message names it.
 * @param {unknown} now in ms since the epoch
 * @param {number} [heardAt] the browser's time at which it came
 */
export function setServerTime(now, heardAt = Date.now()) {
  if (typeof now !== "number" || !Number.isFinite(now)) return;
  const found = now - heardAt;
  if (ahead === null || Math.abs(found - ahead) > JITTER_MS) ahead = found;
}
