// @ts-check
/** What needs the operator, from the state of the run and the plan: each item with its action. */
import { hourMinute, plural, remaining } from "../kit/format.js";
import { isReader } from "../kit/role.js";
import { readStoredList, writeStored } from "../kit/storage.js";
import { waitEnd } from "./run-text.js";

/** @typedef {import("../shell/model.js").Model} Model */
/** @typedef {import("../state.js").Attention} Attention */
/**
 * @typedef {"answer" | "decide" | "unblock" | "resume" | "try" | "start" | "take" | ""} Act
 * @typedef {{id: string, item: Attention, lasting: boolean, act: Act, words: string}} AttentionItem
 */

/** Kinds that pause the run until it is resumed. */
const PAUSING = new Set(["breaker", "no-progress", "agent", "verify", "git", "merge"]);
/** Kinds that only explain a pause or a wait, with its reason: they are over with it. @type {Record<string, string>} */
const EXPLAINED = {
  budget: "budget",
  breaker: "breaker",
  "no-progress": "no-progress",
  tracker: "tracker",
  service: "unreachable",
};
/** @type {Record<string, string>} */
const WAITING = {
  unreachable: "The agent cannot reach its service.",
  retry: "The agent's service had trouble.",
  program: "The agent's program is not there; an update may be replacing it.",
};
/** Most dismissed items that are remembered. */
const DISMISSED_MOST = 200;
/** Most blocked stories of earlier batches that are listed; the Board has them all. */
const BLOCKED_MOST = 5;

/** The ids of items that the operator has dismissed. */
const dismissed = new Set(readStoredList("put-away"));
/** What the last items were made from, and they. @type {{inputs: unknown[], items: AttentionItem[]}} */
let last = { inputs: [], items: [] };

/** The items that are not dismissed; the same array while nothing has changed. @param {Model} model @param {number} now */
export function openItems(model, now) {
  const { run, plan, link, replaying } = model;
  const state = [run.attention, run.agent, run.problem, run.state, run.reason, run.until, run.batch, run.takeovers];
  const inputs = [...state, plan, link.lost, replaying, dismissed.size];
  if (inputs.some((value, index) => value !== last.inputs[index]))
    last = { inputs, items: attentionItems(model, now).filter((item) => !dismissed.has(item.id)) };
  return last.items;
}

/** How many items need the operator; a wait ends by itself. @param {Model} model @param {number} now */
export function attentionCount(model, now) {
  return openItems(model, now).filter(({ item }) => item.kind !== "waiting").length;
}

/** Whether the operator has dismissed an item. @param {string} id */
export function isDismissed(id) {
  return dismissed.has(id);
}

/** @param {string} id of an item */
export function dismiss(id) {
  dismissed.add(id);
  writeStored("put-away", JSON.stringify([...dismissed].slice(-DISMISSED_MOST)));
}

/**
 * Lasting items first, then the newest, then the stories that earlier batches left blocked.
 * @param {Model} model
 * @param {number} now
 * @returns {AttentionItem[]}
 */
export function attentionItems({ run, plan, link, replaying }, now) {
  const canAct = !link.lost && !replaying && !isReader;
  // Without a line nothing can be read, which the note over the page says.
  const problems = [run.problem, run.agent.problem, link.lost ? null : plan.error].flatMap((message) =>
    message ? [lastingItem("problem", message)] : [],
  );
  // A wait for a time of the operator's own choice needs no one: the headline names it.
  const waits = run.state === "waiting" && waitEnd(run.reason) === "Try now";
  const waiting = waits ? [waitingItem(run, now, canAct)] : [];
  const calls = run.attention
    .filter((item) => !isSettled(item, run, plan))
    .map((item) => callItem(item, canAct ? actionOf(item, run, plan) : "", questionWords(item, run, now)));
  if (run.state === "idle" && run.batch?.status === "error") calls.push(failedItem(run, canAct));
  const taken = run.takeovers.map((one) => takenItem(one, canAct));
  return [...waiting, ...problems, ...taken, ...calls.reverse(), ...(replaying ? [] : earlierItems(run, plan, canAct))];
}

/**
 * The blocked stories that no call of this batch names.
 * @param {Model["run"]} run
 * @param {Model["plan"]} plan
 * @param {boolean} canAct
 */
function earlierItems(run, plan, canAct) {
  const called = new Set(run.attention.filter((item) => item.kind === "blocked").map((item) => item.story_key));
  const stories = plan.stories.filter(
    (story) => story.status === "blocked" && !story.skipped && !called.has(story.key),
  );
  const items = stories.slice(0, BLOCKED_MOST).map((story) => blockedItem(story, canAct, plan));
  const more = stories.length - items.length;
  const words = `${plural(more, "more story is", "more stories are")} blocked; the Board has them all.`;
  return more ? [...items, lastingItem("blocked", words)] : items;
}

/** @param {Model["plan"]["stories"][0]} story @param {boolean} canAct @param {Model["plan"]} plan @returns {AttentionItem} */
function blockedItem(story, canAct, plan) {
  const message = `Blocked: ${story.standing?.words || story.title || story.key}`;
  const item = { kind: "blocked", message, story_key: story.key, command_id: null, at: 0 };
  const act = canAct && plan.sprint?.project.writable !== false ? "unblock" : "";
  return { id: `blocked ${story.key}`, item, lasting: false, words: "", act };
}

/** A story that is in the operator's hands. @param {Model["run"]["takeovers"][0]} one @param {boolean} canAct */
function takenItem(one, canAct) {
  const { story_key, message, at, state } = one;
  const item = { kind: "takeover", message, story_key, command_id: null, at, takeover: one };
  /** @type {Act} */
  const act = canAct ? "take" : "";
  return { id: `takeover ${story_key} ${state}`, item, lasting: true, words: "", act };
}

/** When the agent decides without an answer. @param {Attention} item @param {Model["run"]} run @param {number} now */
function questionWords({ kind }, { state, reason, until }, now) {
  if (kind !== "question" || state !== "paused" || reason !== "question" || !until) return "";
  return `Without an answer the agent decides for itself at ${hourMinute(until, now)}.`;
}

/** @param {Attention} item @param {AttentionItem["act"]} act @param {string} words @returns {AttentionItem} */
function callItem(item, act, words) {
  const id = `${item.at} ${item.kind} ${item.command_id ?? item.gate_id ?? item.delivery_id ?? item.message}`;
  // A gate that was put away could not be opened any more.
  return { id, item, lasting: item.kind === "gate", words, act };
}

/** @param {Model["run"]} run @param {number} now @param {boolean} canAct @returns {AttentionItem} */
function waitingItem({ reason, until }, now, canAct) {
  const message = WAITING[reason ?? ""] ?? "The usage limit of the agent is reached.";
  return { ...lastingItem("waiting", message), words: waitText(until, now), act: canAct ? "try" : "" };
}

/**
 * A problem that is shown as long as it lasts.
 * @param {string} kind
 * @param {string} message
 * @returns {AttentionItem}
 */
function lastingItem(kind, message) {
  return {
    id: `${kind} ${message}`,
    item: { kind, message, story_key: null, command_id: null, at: 0 },
    lasting: true,
    act: "",
    words: "",
  };
}

/**
 * Whether the story of a blocked item is no longer blocked or was put aside, or the pause that an item names is over.
 * @param {Attention} item
 * @param {Model["run"]} run
 * @param {import("../shell/plan.js").Plan} plan
 */
function isSettled(item, run, plan) {
  const reason = EXPLAINED[item.kind];
  if (reason) return (run.state !== "paused" && run.state !== "waiting") || run.reason !== reason;
  if (item.kind === "resume") return run.state === "running" || (run.state === "idle" && run.resumable === null);
  if (PAUSING.has(item.kind)) return run.state === "running";
  const story = item.story_key ? plan.byKey.get(item.story_key) : undefined;
  return item.kind === "blocked" && story !== undefined && (story.status !== "blocked" || Boolean(story.skipped));
}

/**
 * @param {Attention} item
 * @param {import("../state.js").RunState} run
 * @param {import("../shell/plan.js").Plan} plan
 * @returns {AttentionItem["act"]}
 */
function actionOf(item, run, plan) {
  if (item.kind === "question" && item.command_id !== null) return "answer";
  if ((item.kind === "gate" && item.gate_id) || (item.delivery_id && item.decisions?.length)) return "decide";
  if (
    item.kind === "blocked" &&
    plan.byKey.get(item.story_key ?? "")?.status === "blocked" &&
    plan.sprint?.project.writable !== false
  )
    return "unblock";
  return PAUSING.has(item.kind) && run.state === "paused" && run.reason === item.kind ? "resume" : "";
}

/** The failed batch, with its reason. @param {Model["run"]} run @param {boolean} canAct @returns {AttentionItem} */
function failedItem({ batch }, canAct) {
  const message = `Batch ${batch?.id} failed: ${batch?.reason ?? "it gave no reason"}`;
  const item = { kind: "failed", message, story_key: null, command_id: null, at: batch?.ended_at ?? 0 };
  return { id: `failed ${batch?.id}`, item, lasting: false, words: "", act: canAct ? "start" : "" };
}

/** @param {number | null} until @param {number} now */
export function waitText(until, now) {
  if (!until) return "The run tries again by itself.";
  return `It continues by itself at ${hourMinute(until, now)} (${remaining(until, now)}).`;
}
