// @ts-check
/** The commands of a batch as steps of their stories: a second pure fold, over `command:start` and `command:end`. */

/** @typedef {import("./state.js").Envelope} Envelope */
/**
 * @typedef {{command_id: number, command: string, story_keys: string[], attempt: number, status: string,
 *   verdict: string, reason: string, background: boolean, started_at: number, ended_at: number | null,
 *   cost_usd: number | null, seq: number}} Step `status` is "running" until the command ends
 * @typedef {ReadonlyMap<number, Step>} Steps by command id, in order of start
 */

/** @type {Steps} */
export const NO_STEPS = new Map();

/** @param {Steps} steps @param {Envelope} event @returns {Steps} */
export function applyStep(steps, event) {
  switch (event.type) {
    case "batch:start": return NO_STEPS;
    case "command:start": return set(steps, started(event));
    case "command:end": return set(steps, ended(steps.get(event.payload.command_id) ?? started(event), event));
    case "batch:pause": return event.payload.reason === "interrupted" ? interrupted(steps, event) : steps;
    default: return steps;
  }
}

/**
 * Steps of events that were fetched, joined with those heard live meanwhile; the later word wins.
 * @param {Steps} live
 * @param {Envelope[]} events
 */
export function withHistory(live, events) {
  const joined = new Map([...events].sort((a, b) => a.seq - b.seq).reduce(applyStep, NO_STEPS));
  for (const [id, step] of live) if ((joined.get(id)?.seq ?? -1) < step.seq) joined.set(id, step);
  return /** @type {Steps} */ (joined);
}

/** The steps of one story. @param {Steps} steps @param {string} key */
export function stepsOf(steps, key) {
  return [...steps.values()].filter((step) => step.story_keys.includes(key));
}

/** @param {Steps} steps @param {Step} step */
function set(steps, step) {
  return new Map(steps).set(step.command_id, step);
}

/** @param {Envelope} event @returns {Step} */
function started(event) {
  const p = event.payload;
  return {
    command_id: p.command_id, command: p.command, story_keys: p.story_keys ?? [p.story_key], attempt: p.attempt ?? 1,
    status: "running", verdict: "", reason: "", background: p.background ?? false, started_at: event.timestamp,
    ended_at: null, cost_usd: null, seq: event.seq,
  };
}

/** @param {Step} step @param {Envelope} event @returns {Step} */
function ended(step, event) {
  const p = event.payload;
  return {
    ...step, status: p.status, verdict: p.verdict ?? "", reason: p.reason ?? "", ended_at: event.timestamp,
    cost_usd: p.metrics?.cost_usd ?? null, seq: event.seq,
  };
}

/** @param {Steps} steps @param {Envelope} event @returns {Steps} */
function interrupted(steps, event) {
  return new Map([...steps].map(([id, step]) => [
    id, step.status === "running" ? { ...step, status: "interrupted", ended_at: event.timestamp, seq: event.seq } : step,
  ]));
}

/** @type {Record<string, {result: string, glyph: string, words: string}>} */
const RESULTS = {
  running: { result: "running", glyph: "", words: "running" },
  success: { result: "success", glyph: "check", words: "success" },
  stopped: { result: "held", glyph: "stop", words: "stopped" },
  interrupted: { result: "held", glyph: "pause", words: "interrupted" },
  "usage-limit": { result: "held", glyph: "clock", words: "usage limit" },
};

/** How a command ended: its class of outcome, its mark and its words. @param {string} status */
export function resultOf(status) {
  return RESULTS[status] ?? { result: "failed", glyph: "cross", words: status };
}
