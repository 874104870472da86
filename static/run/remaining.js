// @ts-check
/**
 * This project's pace: reads what finished stories took, and says how much longer the cycle and the batch will take.
 */
import { ApiError, get } from "../kit/api.js";
import { byId, text } from "../kit/dom.js";
import { estimate, LOOK_BACK, leftText, sourceText, timeOfStories } from "./eta.js";

/** @typedef {import("../shell/model.js").Model} Model */

/** Batches that are looked into for finished stories, newest first. */
const BATCHES_MOST = 5;
/** Stories of a cycle, at most. */
const PER_CYCLE = 2;

export function createRemaining() {
  /** What stories of earlier batches took, newest first. @type {number[]} */
  let past = [];
  /** The stories that the batch was started with; null for all. @type {Set<string> | null} */
  let only = null;
  let known = -1;

  /** @param {number} batch the newest one */
  async function read(batch) {
    try {
      const { batches } = await get(`/api/batches?limit=${BATCHES_MOST}`);
      only = chosen(batches.find((/** @type {any} */ row) => row.id === batch)?.only_stories);
      const earlier = batches.filter((/** @type {any} */ row) => row.id !== batch && row.stories_done);
      /** @type {number[]} */
      const found = [];
      for (const { id } of earlier) {
        if (found.length >= LOOK_BACK) break;
        found.push(...finishedIn(await get(`/api/batches/${id}`)));
      }
      past = found;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  /** @type {unknown[]} */
  let last = [];

  /** @param {Model} model @param {number} now */
  function draw(model, now) {
    const words = model.replaying ? null : remainingText(model, past, only, now);
    text(byId("tile-time-left"), words?.batch ?? "");
    text(byId("cycle-left"), words?.cycle ?? "");
  }

  return {
    /** @param {Model} model @param {number} now */
    render(model, now) {
      const { run, ready, plan, commands, replaying } = model;
      if (ready && !replaying && run.batch && run.batch.id !== known) read((known = run.batch.id));
      const seen = [plan, commands, run.state, run.cycles, run.stories, replaying, past];
      if (seen.every((value, index) => value === last[index])) return;
      last = seen;
      draw(model, now);
    },
    tick: draw,
  };
}

/** @param {string | string[] | null | undefined} keys as the batch's row has them: JSON */
function chosen(keys) {
  if (!keys) return null;
  return new Set(/** @type {string[]} */ (typeof keys === "string" ? JSON.parse(keys) : keys));
}

/** What the stories that a batch finished took, newest first. @param {{stories: any[], commands: any[]}} answer */
function finishedIn({ stories, commands }) {
  const times = timeOfStories(
    commands.filter((command) => command.ended_at),
    0,
  );
  const done = new Set(stories.filter((story) => story.status === "done").map((story) => story.story_key));
  return [...times]
    .filter(([key]) => done.has(key))
    .map(([, time]) => time)
    .reverse();
}

/**
 * @param {Model} model @param {readonly number[]} earlier @param {Set<string> | null} only @param {number} now
 * @returns {{batch: string, cycle: string} | null} null while nothing can be said
 */
function remainingText({ run, plan, commands }, earlier, only, now) {
  if (!run.batch || run.state === "idle") return null;
  const times = timeOfStories(commands.values(), now);
  const here = run.stories
    .filter((story) => story.status === "done")
    .map((story) => times.get(story.story_key) ?? 0)
    .filter(Boolean)
    .reverse();
  const past = [...here, ...earlier];
  const inCycle = run.cycles.flatMap((one) => one.story_keys).filter((key) => plan.byKey.get(key)?.runnable);
  const abreast = Math.max(1, run.cycles.length);
  const waiting = plan.stories.filter(
    (story) => story.runnable && !inCycle.includes(story.key) && (!only || only.has(story.key)),
  );
  const spent = (/** @type {string[]} */ keys) => keys.map((key) => times.get(key) ?? 0);
  const rest = waiting.slice(0, roomFor(run.batch, run.cycles.length)).map((story) => story.key);
  const batch = estimate(past, spent([...inCycle, ...rest]));
  const cycle = estimate(past, spent(inCycle));
  if (!batch || !cycle) return null;
  return {
    batch: inCycle.length + rest.length ? `${leftText(batch.left / abreast)}, ${sourceText(batch.of)}` : "",
    cycle: inCycle.length ? leftText(cycle.left / abreast) : "",
  };
}

/**
 * Stories for which the batch has cycles left after those that run.
 * @param {import("../state.js").Batch} batch
 * @param {number} running
 */
function roomFor(batch, running) {
  if (batch.max_cycles === "all") return Infinity;
  return Math.max(0, batch.max_cycles - batch.cycles_completed - running) * PER_CYCLE;
}
