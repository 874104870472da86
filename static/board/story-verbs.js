// @ts-check
/** What the operator can do with several stories at once; each verb with those of them to which it applies. */
import { catchApiError, post } from "../kit/api.js";
import { plural, shortKey } from "../kit/format.js";
import { askSkip, bringBack } from "../kit/skip-dialog.js";
import { toast } from "../kit/toast.js";
import { changeQueue, queued, runOnly } from "../run/run-queue.js";

/** @typedef {import("../shell/model.js").Model} Model */
/** @typedef {import("../shell/plan.js").PlanStory} PlanStory */
/** @typedef {{words: string, run: () => unknown}} Verb */

/** @param {Model} model @param {string[]} keys @returns {Verb[]} those that apply to at least one of the stories */
export function verbsFor(model, keys) {
  const { plan, run } = model;
  const stories = keys.flatMap((key) => plan.byKey.get(key) ?? []);
  const runnable = stories.filter((story) => story.runnable && !story.skipped).map((story) => story.key);
  const open = stories.filter((story) => !["done", "parked", "unknown"].includes(story.status) && !story.skipped);
  const skipped = stories.filter((story) => story.skipped).map((story) => story.key);
  const isIdle = run.state === "idle";
  return [
    ...(runnable.length && isIdle ? [{ words: startWords(runnable), run: () => start(runnable) }] : []),
    ...(runnable.length && !isIdle
      ? [{ words: "Run only these", run: () => runOnly(runnable, "Only these run") }]
      : []),
    ...(runnable.length ? [{ words: "Run next", run: () => runFirst(runnable, model) }] : []),
    ...(open.length ? [{ words: "Skip…", run: () => askSkip(open.map((story) => story.key)) }] : []),
    ...(skipped.length ? [{ words: "Bring back", run: () => Promise.all(skipped.map((key) => bringBack(key))) }] : []),
  ];
}

/** @param {string[]} keys */
function startWords(keys) {
  return keys.length === 1 ? `Start ${shortKey(keys[0])}` : `Start these ${keys.length}`;
}

/** @param {string[]} keys @param {Model} model */
export function runFirst(keys, { plan }) {
  const rest = queued(plan).filter((key) => !keys.includes(key));
  const words =
    keys.length === 1 ? `${shortKey(keys[0])} runs next.` : `${plural(keys.length, "story", "stories")} run next.`;
  return changeQueue({ stories: [...keys, ...rest] }, words);
}

/** @param {string[]} keys */
async function start(keys) {
  const look = { words: "Open Run", run: () => location.assign("#run") };
  const answer = await catchApiError(post("/api/run/start", { stories: keys }), (error) => {
    toast(error.message, "bad", [look]);
    return null;
  });
  if (answer) toast(`Started: ${plural(keys.length, "story", "stories")}.`, "good", [look]);
}
