// @ts-check
/** The plans of runners with blocked stories: only they have something to say that is in no event. */
import { catchApiError, get } from "../kit/api.js";
import { NO_PLAN, overlay } from "../shell/plan.js";
import { pathOf } from "./runners.js";

/** @typedef {import("./runners.js").Runner} Runner */
/** @typedef {import("../shell/plan.js").Plan} Plan */

/** A plan is read again this long after a count of it has changed, in ms. */
const SETTLE_MS = 300;

export class Plans {
  /** By the id of the runner. @type {Map<string, Plan>} */ #plans = new Map();
  /** What each was read for. @type {Map<string, string>} */ #wanted = new Map();
  #onPlan;

  /** @param {() => void} onPlan is called when a plan was read */
  constructor(onPlan) {
    this.#onPlan = onPlan;
  }

  /** @param {string} id @returns {Plan} */
  of(id) {
    return this.#plans.get(id) ?? NO_PLAN;
  }

  /** Reads the plans that the runners' counts say are others now. @param {readonly Runner[]} runners */
  follow(runners) {
    for (const { id, run, lost, epoch } of runners) {
      if (!run || lost !== null) continue;
      const { done, blocked, total } = run.plan;
      const calls = run.attention.some(({ kind }) => kind === "blocked");
      const wanted = blocked || calls ? `${epoch} ${done} ${blocked} ${total} ${run.attention.length}` : "";
      if (this.#wanted.get(id) === wanted) continue;
      this.#wanted.set(id, wanted);
      if (wanted) setTimeout(() => this.#read(id, wanted), SETTLE_MS);
      else this.#plans.delete(id);
    }
  }

  /** @param {string} id @param {string} wanted */
  async #read(id, wanted) {
    if (this.#wanted.get(id) !== wanted) return;
    const answers = await catchApiError(
      Promise.all([get(`${pathOf(id)}/api/sprint`), get(`${pathOf(id)}/api/standings`)]),
    );
    if (this.#wanted.get(id) !== wanted) return;
    if (!answers) {
      this.#wanted.delete(id);
      return;
    }
    const [sprint, { stories }] = answers;
    const withEvidence = sprint.stories.map((/** @type {{key: string}} */ story) => ({
      ...story,
      standing: stories[story.key] ?? null,
    }));
    this.#plans.set(id, overlay({ ...sprint, stories: withEvidence }, new Map()));
    this.#onPlan();
  }
}
