// @ts-check
/**
 * The recording of a past batch: its events in order, and the state after any number of them, by the same folds as for
 * live events. Checkpoints make going back as fast as going forward.
 */

import { applyEvent, NO_COMMANDS } from "../shell/command-list.js";
import { apply } from "../state.js";
import { initial } from "../state-initial.js";

/** @typedef {import("../state.js").Envelope} Envelope */
/** @typedef {import("../state.js").RunState} RunState */
/**
 * @typedef {{index: number, run: RunState, commands: import("../shell/command-list.js").CommandList}} Checkpoint
 *   the state after the first `index` events
 */

/** Events between two checkpoints. */
const INTERVAL = 1000;

export class Recording {
  /** @type {Checkpoint[]} */ #checkpoints;
  /** @type {Checkpoint} */ #current;
  /** Changes of a status, by index. @type {{at: number, seq: number, payload: Record<string, any>}[]} */ #changes;

  /**
   * @param {Envelope[]} events of one batch, in order, at least one
   * @param {Partial<RunState>} base what no event contains: project, agent, limits
   */
  constructor(events, base) {
    this.events = events;
    this.#changes = events.flatMap(({ type, payload, seq }, at) =>
      type === "story:status" && payload.old_status !== payload.new_status ? [{ at, seq, payload }] : [],
    );
    this.#current = { index: 0, run: { ...initial(), ...base, seq: events[0].seq - 1 }, commands: NO_COMMANDS };
    this.#checkpoints = [this.#current];
  }

  /** When the first event happened, in epoch ms. */
  get start() {
    return this.events[0].timestamp;
  }

  /** When the last event happened, in epoch ms. */
  get end() {
    return this.events[this.events.length - 1].timestamp;
  }

  /** The state after the first `index` events. @param {number} index @returns {Checkpoint} */
  at(index) {
    let { index: at, run, commands } = this.#nearest(index);
    while (at < index) {
      run = apply(run, this.events[at]);
      commands = applyEvent(commands, this.events[at]);
      at += 1;
      if (at === this.#checkpoints.length * INTERVAL) this.#checkpoints.push({ index: at, run, commands });
    }
    this.#current = { index: at, run, commands };
    return this.#current;
  }

  /** The latest known state before an index. @param {number} index */
  #nearest(index) {
    const last = this.#checkpoints.length - 1;
    const checkpoint = this.#checkpoints[Math.min(Math.floor(index / INTERVAL), last)];
    const current = this.#current;
    return current.index <= index && current.index >= checkpoint.index ? current : checkpoint;
  }

  /** The number of events that had happened at a time. @param {number} time ms */
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

  /** The statuses of the batch's stories after `index` events, to overlay the plan with. @param {number} index */
  statusesAt(index) {
    /** @type {import("../shell/plan.js").Overrides} */
    const statuses = new Map();
    for (const { at, seq, payload } of this.#changes) {
      if (at < index) statuses.set(payload.story_key, { status: payload.new_status, seq });
      else if (!statuses.has(payload.story_key)) statuses.set(payload.story_key, { status: payload.old_status, seq });
    }
    return statuses;
  }

  /** The number of events up to a `seq`, that one included. @param {number} seq */
  indexOf(seq) {
    const index = this.events.findIndex((event) => event.seq > seq);
    return index < 0 ? this.events.length : index;
  }

  /**
   * The index after the next, or previous, change of a story's status, a cycle or the batch.
   * @param {number} index
   * @param {1 | -1} direction
   */
  landmark(index, direction) {
    for (let at = direction > 0 ? index : index - 2; at >= 0 && at < this.events.length; at += direction)
      if (isLandmark(this.events[at])) return at + 1;
    return direction > 0 ? this.events.length : 0;
  }
}

/** @param {Envelope} event */
function isLandmark({ type }) {
  return type === "story:status" || type.startsWith("cycle:") || type.startsWith("batch:");
}
