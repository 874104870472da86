// @ts-check
/**
 * A past batch as a film: its events in order, and the state after any number of them, by the same folds as live ones.
 * Checkpoints on the way make going back as quick as going on.
 */

import { applyStep, NO_STEPS } from "../shell/command-list.js";
import { apply, initial } from "../state.js";

/** @typedef {import("../state.js").Envelope} Envelope */
/**
 * @typedef {{index: number, run: import("../state.js").RunState, steps: import("../shell/command-list.js").Steps}}
 *   Still
 */

/** Events between two checkpoints. */
const EVERY = 1000;

export class Film {
  /** @type {Still[]} */ #stills;
  /** @type {Still} */ #now;
  /** Changes of a status, by place. @type {{at: number, seq: number, payload: Record<string, any>}[]} */ #moves;

  /**
   * @param {Envelope[]} events of one batch, in order, at least one
   * @param {Partial<import("../state.js").RunState>} setting what no event tells: project, agent, limits
   */
  constructor(events, setting) {
    this.events = events;
    this.#moves = events.flatMap(({ type, payload, seq }, at) =>
      type === "story:status" && payload.old_status !== payload.new_status ? [{ at, seq, payload }] : [],
    );
    this.#now = { index: 0, run: { ...initial(), ...setting, seq: events[0].seq - 1 }, steps: NO_STEPS };
    this.#stills = [this.#now];
  }

  get starts() {
    return this.events[0].timestamp;
  }

  get ends() {
    return this.events[this.events.length - 1].timestamp;
  }

  /** The state after the first so many events. @param {number} index @returns {Still} */
  at(index) {
    const known = this.#stills[Math.min(Math.floor(index / EVERY), this.#stills.length - 1)];
    let { index: at, run, steps } = this.#now.index <= index && this.#now.index >= known.index ? this.#now : known;
    while (at < index) {
      run = apply(run, this.events[at]);
      steps = applyStep(steps, this.events[at]);
      at += 1;
      if (at % EVERY === 0 && at / EVERY === this.#stills.length) this.#stills.push({ index: at, run, steps });
    }
    this.#now = { index: at, run, steps };
    return this.#now;
  }

  /** How many events had happened by then. @param {number} time ms */
  indexAt(time) {
    let low = 0;
    let high = this.events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.events[middle].timestamp <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The statuses of the batch's stories after so many events, for laying over the plan. @param {number} index */
  statusesAt(index) {
    /** @type {import("../shell/plan.js").Overrides} */
    const statuses = new Map();
    for (const { at, seq, payload } of this.#moves) {
      if (at < index) statuses.set(payload.story_key, { status: payload.new_status, seq });
      else if (!statuses.has(payload.story_key)) statuses.set(payload.story_key, { status: payload.old_status, seq });
    }
    return statuses;
  }

  /** How many events had happened when the one with this `seq` had. @param {number} seq */
  indexOf(seq) {
    const index = this.events.findIndex((event) => event.seq > seq);
    return index < 0 ? this.events.length : index;
  }

  /**
   * The place after the next, or before, moment that matters: a story's status, a cycle, the batch.
   * @param {number} index
   * @param {1 | -1} way
   */
  landmark(index, way) {
    const turns = (/** @type {Envelope} */ { type }) =>
      type === "story:status" || type.startsWith("cycle:") || type.startsWith("batch:");
    for (let at = way > 0 ? index : index - 2; at >= 0 && at < this.events.length; at += way)
      if (turns(this.events[at])) return at + 1;
    return way > 0 ? this.events.length : 0;
  }
}
