// @ts-check
/**
 * Sets the status of a story in the status file. The request names the status that the operator saw, so that a change by
 * another person is never overwritten; the last change can be undone.
 */
import { catchApiError, get, put } from "../kit/api.js";
import { plural, shortKey, statusText } from "../kit/format.js";
import { toast } from "../kit/toast.js";

/** @typedef {import("../kit/api.js").ApiError} ApiError */
/** @typedef {{key: string, status: string, raw_status: string}} StatusTarget */

/** The newest toast about each story: an older one is removed. @type {Map<string, HTMLElement>} */
const toasts = new Map();

/** Undoes the last change, as long as it is the last one. @type {(() => void) | null} */
let undoLast = null;

/** The statuses that may be written; the others are only read. */
export const WRITABLE = ["backlog", "ready-for-dev", "in-progress", "review", "done", "blocked"];

/**
 * @param {StatusTarget} story as it is shown
 * @param {string} to
 * @returns {Promise<boolean>} whether the file has the status now
 */
export async function setStatus(story, to) {
  if (story.status === to) return false;
  toasts.get(story.key)?.remove();
  const request = put(pathOf(story), { status: to, expected: story.status }).then(() => true);
  const written = await catchApiError(request, (error) => refused(story, to, error));
  if (written) changed(story, to);
  return written;
}

/**
 * Sets the status of several stories, one after the other; those that are refused say so themselves.
 * @param {StatusTarget[]} stories as they are shown
 * @param {string} to
 */
export async function setStatuses(stories, to) {
  if (stories.length === 1) return void (await setStatus(stories[0], to));
  const written = [];
  for (const story of stories.filter((each) => each.status !== to)) {
    const request = put(pathOf(story), { status: to, expected: story.status }).then(() => true);
    if (await catchApiError(request, (error) => refused(story, to, error))) written.push(story);
  }
  const back = written.filter((story) => WRITABLE.includes(story.status));
  undoLast = back.length ? () => back.forEach((story) => void setStatus({ ...story, status: to }, story.status)) : null;
  const offers = undoLast ? [{ words: "Undo", run: undoLast }] : [];
  if (written.length)
    toast(`${plural(written.length, "story is", "stories are")} now ${statusText(to)}.`, "good", offers);
}

/** Undoes the last change, like the button of its toast. */
export function undo() {
  const run = undoLast;
  undoLast = null;
  run?.();
}

/** @param {StatusTarget} story */
function pathOf({ key }) {
  return `/api/stories/${encodeURIComponent(key)}/status`;
}

/** @param {StatusTarget} story @param {string} to */
function changed(story, to) {
  const undoable = WRITABLE.includes(story.status);
  undoLast = undoable ? () => setStatus({ ...story, status: to }, story.status) : null;
  const offers = undoLast ? [{ words: "Undo", run: undoLast }] : [];
  toasts.set(story.key, toast(`${shortKey(story.key)} is now ${statusText(to)}.`, "good", offers));
}

/** @param {StatusTarget} story @param {string} to @param {ApiError} error */
async function refused(story, to, error) {
  toasts.set(story.key, await refusalToast(story, to, error));
  return false;
}

/** @param {StatusTarget} story @param {string} to @param {ApiError} error @returns {Promise<HTMLElement>} */
async function refusalToast(story, to, error) {
  const name = shortKey(story.key);
  const reason = sentence(error.message);
  if (error.status !== 409) return toast(`${name} stays at ${statusText(story.status)}. ${reason}`, "bad");
  const now = await readStory(story.key);
  if (!now) return toast(reason, "bad");
  if (now.status === to) return toast(`${name} is at ${statusText(to)} already.`);
  const other = `it is “${now.raw_status}” now, not “${story.status}”`;
  const again = { words: `Set ${statusText(to)} anyway`, run: () => setStatus(now, to) };
  return toast(`Somebody else has changed ${name}: ${other}. Nothing was written.`, "bad", [again]);
}

/** The story as the status file has it now. @param {string} key @returns {Promise<StatusTarget | null>} */
async function readStory(key) {
  /** @type {import("../shell/plan.js").Sprint | null} */
  const sprint = await catchApiError(get("/api/sprint"));
  return sprint?.stories.find((story) => story.key === key) ?? null;
}

/** @param {string} words */
function sentence(words) {
  const whole = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
