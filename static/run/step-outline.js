// @ts-check
/** The steps to come, as the server makes them of the preset: read again when a command has begun or ended. */
import { catchApiError, get } from "../kit/api.js";

/** @typedef {import("../shell/model.js").Model} Model */
/** @typedef {import("./steps.js").UpcomingCycle} UpcomingCycle */

/** How long nothing changes before they are read, in ms. */
const SETTLE_MS = 250;

export class StepOutline {
  /** @type {readonly UpcomingCycle[]} */ cycles = [];
  #asked = "";
  #timer = 0;
  #turn = 0;
  #onChange;

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  /** @param {Model} model */
  follow({ run, plan, ready, replaying, link }) {
    const { batch, cycles, totals, operations, queue, state } = run;
    if (!ready || replaying || link.lost || !plan.sprint) return;
    const idle = state === "idle";
    const ids = operations.map((operation) => operation.command_id);
    const waiting = idle ? plan.stories.map(({ key, status, runnable }) => [key, status, runnable]) : [];
    const numbers = cycles.map((cycle) => cycle.number);
    const asked = JSON.stringify([batch?.id, idle, numbers, totals.commands, ids, idle && queue, waiting]);
    if (asked === this.#asked) return;
    this.#asked = asked;
    clearTimeout(this.#timer);
    const turn = ++this.#turn;
    this.#timer = window.setTimeout(() => this.#read(turn), SETTLE_MS);
  }

  /** @param {number} turn */
  async #read(turn) {
    const answer = await catchApiError(get("/api/run/steps"));
    if (turn !== this.#turn || !answer) return;
    this.cycles = answer.cycles;
    this.#onChange();
  }
}
