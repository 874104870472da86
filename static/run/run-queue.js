// @ts-check
/** Changes of the queue: what runs next, and when the batch stops. A refusal is shown as the server words it. */
import { catchApiError, get, put } from "../kit/api.js";
import { plural, shortKey } from "../kit/format.js";
import { announce, toast } from "../kit/toast.js";

/** @typedef {import("../state.js").Queue} Queue */
/** @typedef {{cycles: string[][], waits: Record<string, string>}} RunOrder of `GET /api/run/order` */

/** The queue as it is now, and whether a batch runs. */
let current = {
  queue: /** @type {Queue} */ ({ stories: [], only: false, after: null, at: null }),
  isRunning: false,
  cycles: /** @type {readonly import("../state.js").Cycle[]} */ ([]),
};

/** @param {import("../state.js").RunState} run */
export function followQueue({ queue, state, batch, cycles }) {
  current = { queue, isRunning: state !== "idle" && batch !== null, cycles };
}

export function canEnd() {
  return current.isRunning;
}

/**
 * @param {Record<string, unknown>} fields
 * @param {string} done shown when it succeeded
 * @returns {Promise<boolean>} whether it did
 */
export async function changeQueue(fields, done) {
  const answer = await catchApiError(put("/api/run/queue", fields), (error) => void toast(error.message, "bad"));
  if (answer) toast([done, ...answer.notes.map((/** @type {string} */ note) => `${note}.`)].join(" "), "good");
  return Boolean(answer);
}

/** Lets a story run before all others that wait. @param {string} key @param {readonly string[]} waiting of the queue */
export function runNext(key, waiting) {
  return changeQueue({ stories: [key, ...waiting.filter((other) => other !== key)] }, `${shortKey(key)} runs next.`);
}

/**
 * Gives a story another place among those that run next.
 * @param {string} key
 * @param {number} to from 0
 * @param {import("../shell/plan.js").Plan} plan
 * @param {readonly string[]} [known] the order as it is, read where it is not given
 * @returns {Promise<readonly string[] | null>} the order then, null where nothing has changed
 */
export async function moveNext(key, to, plan, known) {
  const running = new Set(current.cycles.flatMap((cycle) => cycle.story_keys));
  const order = known ?? (await readOrder())?.cycles.flat() ?? [];
  const before = order.filter((other) => !running.has(other));
  const after = moved(before, key, to);
  if (!before.includes(key) || after.join() === before.join()) return null;
  const stories = current.queue.only ? after : toQueue(before, after, queued(plan));
  const place = after.indexOf(key) + 1;
  if (!(await changeQueue({ stories }, `${shortKey(key)} is number ${place} now.`))) return null;
  announce(`${shortKey(key)} is number ${place} of ${after.length}`);
  return after;
}

/** Lets nothing but these stories run. @param {string[]} keys @param {string} words what they are */
export function runOnly(keys, words) {
  const when = current.isRunning ? "after what runs now" : "with the next start";
  return changeQueue({ stories: keys, only: true }, `${words}, ${when}: ${plural(keys.length, "story", "stories")}.`);
}

/** Takes the order of the plan again. */
export function clearQueue() {
  return changeQueue({ stories: [], only: false }, "The plan's own order again.");
}

/**
 * @param {readonly string[]} [stories] those that are chosen, none for all
 * @param {number | "all"} [size]
 * @returns {Promise<RunOrder | null>} null where nothing can be said
 */
export function readOrder(stories = [], size = "all") {
  const query = new URLSearchParams({ batch_size: String(size), stories: stories.join(",") });
  return catchApiError(get(`/api/run/order?${query}`));
}

/** The queue without what has ended or is skipped. @param {import("../shell/plan.js").Plan} plan */
export function queued(plan) {
  return current.queue.stories.filter((key) => {
    const story = plan.byKey.get(key);
    return story && !["done", "blocked", "parked", "unknown"].includes(story.status) && !story.skipped;
  });
}

/**
 * The keys with one of them at another place.
 * @param {readonly string[]} keys
 * @param {string} key
 * @param {number} to
 */
export function moved(keys, key, to) {
  const rest = keys.filter((other) => other !== key);
  const place = Math.max(0, Math.min(rest.length, to));
  return [...rest.slice(0, place), key, ...rest.slice(place)];
}

/**
 * What of an order has to be queued so that it is the order of the run: all up to the last story that was moved or is
 * queued already.
 * @param {readonly string[]} before
 * @param {readonly string[]} after
 * @param {readonly string[]} inQueue
 */
export function toQueue(before, after, inQueue) {
  const last = after.findLastIndex((key, place) => before[place] !== key || inQueue.includes(key));
  return after.slice(0, last + 1);
}
