// @ts-check
/** Events that wait for the next frame. They are taken in chunks, as many as a frame has time for. */

/** @typedef {import("../state.js").Envelope} Envelope */

/** Most milliseconds of a frame that applying events may take; the rest waits for the next frame. */
const FRAME_MS = 10;
/** Events of a chunk: enough to make the copies of a chunk cheap, few enough for the limit of a frame. */
const CHUNK = 256;

export class EventQueue {
  /** @type {Envelope[]} */ #events = [];

  get isEmpty() {
    return !this.#events.length;
  }

  clear() {
    this.#events = [];
  }

  /** @param {Envelope} event */
  push(event) {
    this.#events.push(event);
  }

  /**
   * Hands over events, all of them while the page is hidden.
   * @param {(events: Envelope[]) => void} apply
   * @returns {Envelope[]} the events that were applied
   */
  drain(apply) {
    const until = performance.now() + FRAME_MS;
    let index = 0;
    while (index < this.#events.length && (document.hidden || index === 0 || performance.now() < until)) {
      apply(this.#events.slice(index, index + CHUNK));
      index += CHUNK;
    }
    const applied = this.#events.slice(0, index);
    this.#events = this.#events.slice(index);
    return applied;
  }
}
