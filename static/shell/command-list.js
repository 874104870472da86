// @ts-check
/** The commands of a batch as steps of their stories: a second pure fold, over `command:start` and `command:end`. */
import { allTokens } from "../kit/format.js";

/** @typedef {import("../state.js").Envelope} Envelope */
/**
 * @typedef {{command_id: number, command: string, story_keys: string[], attempt: number, status: string,
 *   verdict: string, reason: string, background: boolean, started_at: number, ended_at: number | null,
 *   cost_usd: number | null, seq: number, agent: string, model: string | null, estimated_usd: number | null,
 *   tokens: number | null}} Step `status` is "running" until the command ends
 * @typedef {ReadonlyMap<number, Step>} Steps by command id, in order of start
 */

/** @type {Steps} */
export const NO_STEPS = new Map();

/** @param {Steps} steps @param {Envelope} event @returns {Steps} */
export function applyStep(steps, event) {
  return applySteps(steps, [event]);
}

/**
 * The steps after these events. They are copied once, however many events there are.
 * @param {Steps} steps @param {Iterable<Envelope>} events in order
 * @returns {Steps} the same ones, if no event says anything about them
 */
export function applySteps(steps, events) {
  /** @type {Map<number, Step> | null} */
  let next = null;
  for (const event of events) {
    if (!TELLING.has(event.type)) continue;
    next ??= new Map(steps);
    apply(next, event);
  }
  return next ?? steps;
}

/** Events that say something about steps. */
const TELLING = new Set(["batch:start", "batch:pause", "command:start", "command:end"]);

/** @param {Map<number, Step>} steps are changed @param {Envelope} event */
function apply(steps, event) {
  const id = event.payload.command_id;
  if (event.type === "batch:start") steps.clear();
  else if (event.type === "command:start") steps.set(id, started(event));
  else if (event.type === "command:end") steps.set(id, ended(steps.get(id) ?? started(event), event));
  else if (event.payload.reason === "interrupted") interrupt(steps, event);
}

/**
 * Steps of events that were fetched, joined with those heard live meanwhile; the later word wins.
 * @param {Steps} live
 * @param {Envelope[]} events
 */
export function withHistory(live, events) {
  const joined = new Map(
    applySteps(
      NO_STEPS,
      [...events].sort((a, b) => a.seq - b.seq),
    ),
  );
  for (const [id, step] of live) if ((joined.get(id)?.seq ?? -1) < step.seq) joined.set(id, step);
  return /** @type {Steps} */ (joined);
}

/** The steps of one story. @param {Steps} steps @param {string} key */
export function stepsOf(steps, key) {
  return [...steps.values()].filter((step) => step.story_keys.includes(key));
}

/** @param {Envelope} event @returns {Step} */
function started(event) {
  const p = event.payload;
  return {
    command_id: p.command_id,
    command: p.command,
    story_keys: p.story_keys ?? [p.story_key],
    attempt: p.attempt ?? 1,
    status: "running",
    verdict: "",
    reason: "",
    background: p.background ?? false,
    started_at: event.timestamp,
    ended_at: null,
    cost_usd: null,
    seq: event.seq,
    agent: p.agent ?? "",
    model: p.model ?? null,
    tokens: null,
    estimated_usd: null,
  };
}

/** @param {Step} step @param {Envelope} event @returns {Step} */
function ended(step, event) {
  const p = event.payload;
  return {
    ...step,
    status: p.status,
    verdict: p.verdict ?? "",
    reason: p.reason ?? "",
    ended_at: event.timestamp,
    cost_usd: p.metrics?.cost_usd ?? null,
    seq: event.seq,
    model: p.model ?? step.model,
    estimated_usd: p.metrics?.estimated_usd ?? null,
    tokens: p.metrics ? allTokens(p.metrics) : null,
  };
}

/** @param {Map<number, Step>} steps are changed @param {Envelope} event */
function interrupt(steps, event) {
  for (const [id, step] of steps) {
    if (step.status === "running")
      steps.set(id, { ...step, status: "interrupted", ended_at: event.timestamp, seq: event.seq });
  }
}

/** @type {Record<string, {result: string, glyph: string, words: string}>} */
const RESULTS = {
  running: { result: "running", glyph: "", words: "running" },
  success: { result: "success", glyph: "check", words: "success" },
  stopped: { result: "held", glyph: "stop", words: "stopped" },
  interrupted: { result: "held", glyph: "pause", words: "interrupted" },
  question: { result: "held", glyph: "ask", words: "asked a question" },
  "usage-limit": { result: "held", glyph: "clock", words: "usage limit" },
};

/** How a command ended: its class of outcome, its mark and its words. @param {string} status */
export function resultOf(status) {
  return RESULTS[status] ?? { result: "failed", glyph: "cross", words: status };
}
