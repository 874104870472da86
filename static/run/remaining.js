// @ts-check
/**
 * The remaining time of the cycle and the batch, estimated from the durations of finished stories of this project.
 */
import { catchApiError, get } from "../kit/api.js";
import { byId, text } from "../kit/dom.js";
import { estimate, LOOK_BACK, leftText, sourceText, timeOfStories } from "./eta.js";

/** @typedef {import("../shell/model.js").Model} Model */

/** Batches that are looked into for finished stories, newest first. */
const BATCHES_MOST = 5;
/** Stories of a cycle, at most. */
const PER_CYCLE = 2;

/** @returns {import("./run.js").Part} */
export function createRemaining() {
  return new Remaining();
}

class Remaining {
  /** The durations of stories of earlier batches, newest first. @type {number[]} */ #past = [];
  /** The stories that the batch was started with; null for all. @type {Set<string> | null} */ #only = null;
  /** The newest batch that was read. */
  #batch = -1;
  /** What the last drawing was made from. @type {unknown[]} */ #drawn = [];

  /** @param {Model} model @param {number} now */
  render(model, now) {
    const { run, ready, plan, commands, replaying } = model;
    if (ready && !replaying && run.batch && run.batch.id !== this.#batch) this.#read(run.batch.id);
    const inputs = [plan, commands, run.state, run.cycles, run.stories, replaying, this.#past];
    if (inputs.every((value, index) => value === this.#drawn[index])) return;
    this.#drawn = inputs;
    this.tick(model, now);
  }

  /** @param {Model} model @param {number} now */
  tick(model, now) {
    const words = model.replaying ? null : remainingText(model, this.#past, this.#only, now);
    text(byId("tile-time-left"), words?.batch ?? "");
    text(byId("cycle-left"), words?.cycle ?? "");
  }

  /** @param {number} batch the newest one */
  async #read(batch) {
    this.#batch = batch;
    const answer = await catchApiError(get(`/api/batches?limit=${BATCHES_MOST}`));
    if (!answer) return;
    /** @type {any[]} */
    const batches = answer.batches;
    this.#only = chosen(batches.find((row) => row.id === batch)?.only_stories);
    const earlier = batches.filter((row) => row.id !== batch && row.stories_done);
    const past = await catchApiError(readPast(earlier.map((row) => row.id)));
    if (past) this.#past = past;
  }
}

/** The durations of finished stories, newest first. @param {number[]} ids of batches, newest first */
async function readPast(ids) {
  /** @type {number[]} */
  const found = [];
  for (const id of ids) {
    if (found.length >= LOOK_BACK) break;
    found.push(...finishedIn(await get(`/api/batches/${id}`)));
  }
  return found;
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
 * @param {Model} model
 * @param {readonly number[]} earlier durations of stories of earlier batches
 * @param {Set<string> | null} only the stories that the batch was started with
 * @param {number} now
 * @returns {{batch: string, cycle: string} | null} null without history
 */
function remainingText(model, earlier, only, now) {
  const { run, commands } = model;
  if (!run.batch || run.state === "idle") return null;
  const times = timeOfStories(commands.values(), now);
  const past = [...finishedNow(run, times), ...earlier];
  const { running, waiting } = storiesLeft(model, run.batch, only);
  const spent = (/** @type {string[]} */ keys) => keys.map((key) => times.get(key) ?? 0);
  const batch = estimate(past, spent([...running, ...waiting]));
  const cycle = estimate(past, spent(running));
  if (!batch || !cycle) return null;
  // Cycles that run side by side share the time.
  const parallel = Math.max(1, run.cycles.length);
  const rest = `${leftText(batch.left / parallel)}, ${sourceText(batch.of)}`;
  return {
    batch: running.length + waiting.length ? rest : "",
    cycle: running.length ? leftText(cycle.left / parallel) : "",
  };
}

/**
 * The durations of the stories that this batch has finished.
 * @param {Model["run"]} run
 * @param {Map<string, number>} times
 */
function finishedNow({ stories }, times) {
  const done = stories.filter((story) => story.status === "done");
  return done
    .map((story) => times.get(story.story_key) ?? 0)
    .filter((time) => time > 0)
    .reverse();
}

/**
 * The stories of the running cycles that are not finished, and those for which the batch has cycles left.
 * @param {Model} model
 * @param {import("../state.js").Batch} batch
 * @param {Set<string> | null} only
 */
function storiesLeft({ run, plan }, batch, only) {
  const running = run.cycles.flatMap((cycle) => cycle.story_keys).filter((key) => plan.byKey.get(key)?.runnable);
  const waiting = plan.stories
    .filter((story) => story.runnable && !running.includes(story.key) && (!only || only.has(story.key)))
    .map((story) => story.key);
  return { running, waiting: waiting.slice(0, roomFor(batch, run.cycles.length)) };
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
