// @ts-check
/**
 * Changing a story's status in the tracker: asked with the status that the operator saw, so that a change of somebody
 * else is never written over; refused in the words of the server; taken back with one press.
 */
import { ApiError, get, put } from "../kit/api.js";
import { shortKey, statusWords } from "../kit/format.js";
import { toast } from "../kit/toast.js";

/** @typedef {{key: string, status: string, raw_status: string}} Movable */

/** The last word about each story: one that is not true any more offers nothing. @type {Map<string, HTMLElement>} */
const notes = new Map();

/** Takes the last change back, as long as it is the last one. @type {(() => void) | null} */
let back = null;

/** What may be written; the others are only read. */
export const WRITABLE = ["backlog", "ready-for-dev", "in-progress", "review", "done", "blocked"];

/**
 * @param {Movable} story as it is shown
 * @param {string} to
 * @returns {Promise<boolean>} whether the tracker says so now
 */
export async function move(story, to) {
  if (story.status === to) return false;
  notes.get(story.key)?.remove();
  try {
    await put(`/api/stories/${encodeURIComponent(story.key)}/status`, { status: to, expected: story.status });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    await refused(story, to, error);
    return false;
  }
  const undoable = WRITABLE.includes(story.status);
  back = undoable ? () => move({ ...story, status: to }, story.status) : null;
  notes.set(
    story.key,
    toast(
      `${shortKey(story.key)} is now ${statusWords(to)}.`,
      "good",
      undoable ? [{ words: "Undo", run: back ?? undo }] : [],
    ),
  );
  return true;
}

/** The same as the button of the last note, for the keyboard. */
export function undo() {
  const run = back;
  back = null;
  run?.();
}

/** @param {Movable} story @param {string} to @param {ApiError} error */
async function refused(story, to, error) {
  notes.set(story.key, await refusal(story, to, error));
}

/** @param {Movable} story @param {string} to @param {ApiError} error @returns {Promise<HTMLElement>} */
async function refusal(story, to, error) {
  const name = shortKey(story.key);
  if (error.status !== 409)
    return toast(`${name} stays at ${statusWords(story.status)}. ${sentence(error.message)}`, "bad");
  const now = await current(story.key);
  if (!now) return toast(sentence(error.message), "bad");
  if (now.status === to) return toast(`${name} is at ${statusWords(to)} already: somebody else was faster.`);
  const again = { words: `Set ${statusWords(to)} anyway`, run: () => move(now, to) };
  return toast(
    `Somebody else has changed ${name}: it says “${now.raw_status}” now, not “${story.status}”. Nothing was written.`,
    "bad",
    [again],
  );
}

/** What the tracker says by now. @param {string} key @returns {Promise<Movable | null>} */
async function current(key) {
  try {
    /** @type {import("../shell/plan.js").Sprint} */
    const sprint = await get("/api/sprint");
    return sprint.stories.find((story) => story.key === key) ?? null;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return null;
  }
}

/** @param {string} words */
function sentence(words) {
  const whole = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
