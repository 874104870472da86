// @ts-check
/**
 * The plan: epics and stories from the tracker, with the statuses heard since it was read laid over it. Every count on
 * the page comes from here, so the tabs cannot disagree.
 */

/**
 * @typedef {{key: string, epic: string | null, title: string | null, description: string | null, status: string,
 *   raw_status: string, runnable: boolean, tasks: {done: number, total: number} | null, file: string | null,
 *   drift: {file_status: string} | null, line: number | null, comment: string | null,
 *   standing?: StatusEvidence | null} & PlanFacts} PlanStory `standing` is what the status rests on, by the runner's own
 *   records
 * @typedef {{ref?: string, after?: string[], waiting_for?: string[], hold?: string, plan_checkpoint?: boolean,
 *   done_checkpoint?: boolean, hitl?: boolean, risk?: string, assignee?: string, blocked_reason?: string,
 *   leftover?: boolean, skipped?: string, delivery?: string, followup_review_recommended?: boolean, warnings?: string[]}} PlanFacts what the plan says about when and how a story runs; absent where it says nothing
 * @typedef {{closed: boolean, finished: string[], missing: string[], holds: string[], waits_for: string[],
 *   retrospective: boolean}} Gate
 * @typedef {{tone: "good" | "info" | "warn" | "bad", words: string, before?: boolean}} StatusEvidence `before`: it was done before the runner came
 * @typedef {{id: string, key: string | null, title: string | null, status: string, raw_status: string,
 *   retrospective: any, stories: string[], gate?: Gate | null}} Epic
 * @typedef {{project: {name: string, tracker: string, candidates: string[], writable: boolean, root: string},
 *   problems: {line: number | null, message: string}[], epics: Epic[], stories: PlanStory[],
 *   other: {key: string, raw_status: string, line: number | null}[], kind?: string}} Sprint the answer of `GET /api/sprint`
 * @typedef {{done: number, total: number, blocked: number, runnable: number, held: number, unplanned?: boolean}} Counts
 *   `held`: open, but a person, another epic or its own plan keeps them from being started; `unplanned`: there is no
 *   plan yet
 * @typedef {{sprint: Sprint | null, stories: PlanStory[], byKey: Map<string, PlanStory>, counts: Counts,
 *   error: string | null}} Plan
 * @typedef {Map<string, {status: string, seq: number}>} Overrides by story key
 */

/** @type {Plan} */
export const NO_PLAN = {
  sprint: null,
  stories: [],
  byKey: new Map(),
  counts: { done: 0, total: 0, blocked: 0, runnable: 0, held: 0 },
  error: null,
};

/** The statuses there are, in the order in which a story passes through them. */
export const STATUSES = ["backlog", "ready-for-dev", "in-progress", "review", "done", "blocked", "parked", "unknown"];
/** Statuses the runner never takes up. */
const RESTING = new Set(["done", "blocked", "parked", "unknown"]);

/**
 * @param {Sprint} sprint
 * @param {Overrides} overrides
 * @returns {Plan}
 */
export function overlay(sprint, overrides) {
  const stories = sprint.stories.map((story) => {
    const status = known(overrides.get(story.key)?.status ?? story.status);
    return status === story.status
      ? story
      : { ...story, status, runnable: !RESTING.has(status) && !story.skipped, standing: null };
  });
  return {
    sprint,
    stories,
    byKey: new Map(stories.map((story) => [story.key, story])),
    counts: sprint.kind === "none" ? { ...counted(stories), unplanned: true } : counted(stories),
    error: null,
  };
}

/** Return the status, or "unknown": a story of an unknown status stays on the page. @param {string} status */
function known(status) {
  return STATUSES.includes(status) ? status : "unknown";
}

/** Whether a run does not start the story unless it is named, or at all. @param {PlanStory} story */
function isHeld({ hold, leftover, skipped }) {
  return Boolean(hold || leftover || skipped);
}

/** Parked stories are not part of what is to be done. @param {PlanStory[]} stories @returns {Counts} */
export function counted(stories) {
  const has = (/** @type {(story: PlanStory) => boolean} */ test) => stories.filter(test).length;
  return {
    total: has((story) => story.status !== "parked"),
    done: has((story) => story.status === "done"),
    blocked: has((story) => story.status === "blocked"),
    runnable: has((story) => story.runnable && !isHeld(story)),
    held: has((story) => !RESTING.has(story.status) && (!story.runnable || isHeld(story))),
  };
}

/**
 * The statuses that are still news after a read which began at `seq`.
 * @param {Overrides} overrides
 * @param {number} seq
 */
export function newerThan(overrides, seq) {
  return /** @type {Overrides} */ (new Map([...overrides].filter(([, override]) => override.seq > seq)));
}

/** A story's title, or its key where none is known. @param {Plan} plan @param {string} key */
export function titleOf(plan, key) {
  return plan.byKey.get(key)?.title || key;
}
