// @ts-check
/** What the operator can do with a story beside its status: run it next, alone or with its epic, put it aside. */

import { shortKey } from "../kit/format.js";
import { isReader } from "../kit/role.js";
import { askSkip, bringBack } from "../kit/skip-dialog.js";
import { takeOver } from "../kit/takeover.js";
import { queued, runNext, runOnly } from "./run-queue.js";

/** @typedef {import("../shell/plan.js").PlanStory} PlanStory */
/** @typedef {import("../shell/plan.js").Plan} Plan */
/** @typedef {{words: string, run: () => unknown}} StoryAction */

/** The plan as it is now, once the page has read it. @type {() => Plan | null} */
let planOf = () => null;

/** @param {() => Plan} plan */
export function followPlan(plan) {
  planOf = plan;
}

/** @param {string} key @returns {StoryAction[]} */
export function storyActions(key) {
  const plan = planOf();
  const story = plan?.byKey.get(key);
  if (!plan || !story || isReader) return [];
  if (story.skipped) return [{ words: "Bring back", run: () => bringBack(key) }];
  const { status } = story;
  const take = ["done", "parked", "unknown"].includes(status)
    ? []
    : [{ words: "Open in my terminal", run: () => takeOver(key) }];
  const skip = { words: "Skip…", run: () => askSkip(key) };
  if (!story.runnable) return take.length ? [...take, skip] : [];
  const epic = plan.stories.filter((other) => other.epic === story.epic && other.runnable).map((other) => other.key);
  return [
    { words: "Run next", run: () => runNext(key, queued(plan)) },
    { words: "Run only this", run: () => runOnly([key], `Only ${shortKey(key)} runs`) },
    ...(story.epic && epic.length > 1
      ? [{ words: `Run only epic ${story.epic}`, run: () => runOnly(epic, `Only epic ${story.epic} runs`) }]
      : []),
    ...take,
    skip,
  ];
}
