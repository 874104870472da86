// @ts-check
/**
 * Loads the plan: reads the tracker and the evidence of each status, applies statuses of later events, and reads again
 * when something has changed.
 */
import { catchApiError, get } from "../kit/api.js";
import { NO_PLAN, newerThan, overlay } from "./plan.js";

/** @typedef {import("./plan.js").Plan} Plan */
/** @typedef {import("../state.js").Envelope} Envelope */

/** The tracker is read again this long after something changed it, in ms. */
const SETTLE_MS = 300;

export class PlanLoader {
  /** @type {import("./plan.js").Overrides} */ #overrides = new Map();
  #plan = NO_PLAN;
  #timer = 0;
  #evidenceTimer = 0;
  #page;

  /** @param {{seq: () => number, onPlan: (plan: Plan) => void}} page `seq`: of the last event that was applied */
  constructor(page) {
    this.#page = page;
    // A change of the file that changes no status causes no event: it is read when the operator returns to the page.
    document.addEventListener("visibilitychange", () => !document.hidden && this.readSoon());
    addEventListener("hashchange", () => location.hash.startsWith("#board") && this.readSoon());
  }

  readSoon() {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#read(), SETTLE_MS);
  }

  /** Forgets the statuses of events: the server sends its state again. */
  reset() {
    this.#overrides = new Map();
    this.readSoon();
  }

  /** @param {Envelope[]} events of the type `story:status` */
  applyStatuses(events) {
    clearTimeout(this.#evidenceTimer);
    this.#evidenceTimer = window.setTimeout(() => this.#readEvidence(), SETTLE_MS);
    for (const { payload, seq } of events.filter(changesStatus))
      this.#overrides.set(payload.story_key, { status: payload.new_status, seq });
    if (this.#plan.sprint && events.length) this.#set(overlay(this.#plan.sprint, this.#overrides));
  }

  /** @param {Plan} plan */
  #set(plan) {
    this.#plan = plan;
    this.#page.onPlan(plan);
  }

  async #read() {
    this.#timer = 0;
    // Events after this one may be newer than the answer: their statuses are kept.
    const seq = this.#page.seq();
    const requests = Promise.all([get("/api/sprint"), get("/api/standings")]);
    const answers = await catchApiError(requests, (error) => {
      if (error.status) this.#set({ ...this.#plan, error: error.message });
      return null;
    });
    if (!answers) return;
    this.#overrides = newerThan(this.#overrides, seq);
    this.#set(overlay(withEvidence(answers[0], answers[1]), this.#overrides));
  }

  /** Reads the evidence alone, after a command has ended. */
  async #readEvidence() {
    if (this.#timer) return;
    const standings = await catchApiError(get("/api/standings"));
    const { sprint } = this.#plan;
    if (standings && sprint) this.#set(overlay(withEvidence(sprint, standings), this.#overrides));
  }
}

/**
 * @param {import("./plan.js").Sprint} sprint
 * @param {{stories: Record<string, import("./plan.js").StatusEvidence>}} standings
 */
function withEvidence(sprint, { stories }) {
  return { ...sprint, stories: sprint.stories.map((story) => ({ ...story, standing: stories[story.key] ?? null })) };
}

/** Whether the status is another one; otherwise only the story's file has changed. @param {Envelope} event */
function changesStatus({ payload }) {
  return payload.old_status !== payload.new_status;
}
