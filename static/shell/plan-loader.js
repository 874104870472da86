// @ts-check
/**
 * Keeps the plan true: reads the tracker and what each status rests on, lays statuses heard since over it, and reads
 * again when something moved.
 */
import { ApiError, get } from "../kit/api.js";
import { NO_PLAN, newerThan, overlay } from "./plan.js";

/** The tracker is read again this long after something changed it, in ms. */
const SETTLE_MS = 300;

/** @param {{seq: () => number, onPlan: (plan: import("./plan.js").Plan) => void}} page */
export function createReader(page) {
  /** @type {import("./plan.js").Overrides} */
  let overrides = new Map();
  let plan = NO_PLAN;
  let timer = 0;
  let weighing = 0;

  /** @param {import("./plan.js").Plan} next */
  function set(next) {
    plan = next;
    page.onPlan(plan);
  }

  async function read() {
    timer = 0;
    const from = page.seq();
    try {
      const [sprint, standings] = await Promise.all([get("/api/sprint"), get("/api/standings")]);
      overrides = newerThan(overrides, from);
      set(overlay(weighed(sprint, standings), overrides));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status) set({ ...plan, error: error.message });
    }
  }

  /** What the statuses rest on, alone: a command has ended, and perhaps it failed. */
  async function weigh() {
    if (timer) return;
    try {
      const standings = await get("/api/standings");
      if (plan.sprint) set(overlay(weighed(plan.sprint, standings), overrides));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  function soon() {
    clearTimeout(timer);
    timer = window.setTimeout(read, SETTLE_MS);
  }

  // A change of the file that changes no status is told by no event: who comes back to look is shown what is there.
  document.addEventListener("visibilitychange", () => !document.hidden && soon());
  addEventListener("hashchange", () => location.hash.startsWith("#board") && soon());
  return {
    soon,
    /** Everything is told anew. */
    forget() {
      overrides = new Map();
      soon();
    },
    /** @param {import("../state.js").Envelope[]} statuses the `story:status` events among what has happened */
    hear(statuses) {
      clearTimeout(weighing);
      weighing = window.setTimeout(weigh, SETTLE_MS);
      for (const { payload, seq } of statuses.filter(moved))
        overrides.set(payload.story_key, { status: payload.new_status, seq });
      if (plan.sprint && statuses.length) set(overlay(plan.sprint, overrides));
    },
  };
}

/**
 * @param {import("./plan.js").Sprint} sprint
 * @param {{stories: Record<string, import("./plan.js").Standing>}} standings
 */
function weighed(sprint, { stories }) {
  return { ...sprint, stories: sprint.stories.map((story) => ({ ...story, standing: stories[story.key] ?? null })) };
}

/**
 * Whether a status is another one now; otherwise only the story's file has changed.
 * @param {import("../state.js").Envelope} event
 */
function moved({ payload }) {
  return payload.old_status !== payload.new_status;
}
