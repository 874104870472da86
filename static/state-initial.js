// @ts-check
/** The states that no event leads to: that of a server without any run, and the one that `init` describes. */

/** @typedef {import("./state.js").RunState} RunState */
/** @typedef {import("./state.js").Totals} Totals */

/** @returns {Totals} */
export function noTotals() {
  return {
    stories_done: 0,
    stories_blocked: 0,
    commands: 0,
    commands_failed: 0,
    input_tokens: 0,
    output_tokens: 0,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    cost_usd: 0,
    estimated_usd: 0,
    turns: 0,
  };
}

/** @returns {import("./state.js").Queue} */
export function noQueue() {
  return { stories: [], only: false, after: null, at: null };
}

/** The state of a server that has never run anything. @returns {RunState} */
export function initial() {
  return {
    state: "idle",
    reason: null,
    until: null,
    batch: null,
    cycle: null,
    cycles: [],
    stories: [],
    operations: [],
    totals: noTotals(),
    attention: [],
    resumable: null,
    queue: noQueue(),
    quota: [],
    takeovers: [],
    seq: 0,
    limits: { budget_batch_usd: null, budget_day_usd: null, today_usd: 0 },
    agent: { name: "", kind: "", version: null, problem: null },
    project: { name: "", root: "", tracker: "" },
    plan: { done: 0, total: 0, blocked: 0, runnable: 0 },
    guardian: { means: [], sentence: "" },
    awake: { active: false, means: null, problem: null },
    context: null,
    problem: null,
    forecast: null,
    fleet: null,
  };
}

/**
 * The state an `init` message describes: its snapshot of the run, at its `seq`.
 * @param {{run?: Record<string, any>, seq?: number}} payload
 * @returns {RunState}
 */
export function fromInit(payload) {
  const run = payload.run ?? {};
  const known = Object.fromEntries(Object.entries(run).filter(([, value]) => value !== undefined));
  return { ...initial(), ...known, seq: payload.seq ?? run.seq ?? 0 };
}

/** A story before any of its events. @param {string} key @returns {import("./state.js").Story} */
export function newStory(key) {
  return {
    story_key: key,
    status: null,
    old_status: null,
    reason: null,
    cycle_number: null,
    updated_at: 0,
    cost_usd: 0,
    estimated_usd: 0,
    commands: 0,
  };
}

/**
 * A command that has started.
 * @param {Record<string, any>} p of its `command:start`
 * @param {number} at ms
 * @returns {import("./state.js").Operation}
 */
export function newOperation(p, at) {
  return {
    command_id: p.command_id,
    story_key: p.story_key,
    story_keys: p.story_keys ?? [p.story_key],
    command: p.command,
    task_id: p.task_id,
    attempt: p.attempt ?? 1,
    agent: p.agent ?? "",
    model: p.model ?? null,
    background: p.background ?? false,
    started_at: at,
    updated_at: at,
    message: "",
    machine: p.machine ?? null,
    metrics: {},
  };
}
