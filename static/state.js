// @ts-check
/**
 * The run's state: one pure fold over events. Live events, `init` and the replay of an old batch all go through
 * `apply`; the server folds the same events by the same rules for `GET /api/run`. A state is never changed: a new one
 * shares everything an event did not touch, so views compare by reference.
 */
import { resultOf } from "./kit/command-result.js";
import { newOperation, newStory, noQueue, noTotals } from "./state-initial.js";

/**
 * @typedef {{type: string, payload: Record<string, any>, timestamp: number, seq: number, batch_id: number | null}}
 *   Envelope
 * @typedef {"idle" | "starting" | "running" | "pausing" | "paused" | "stopping" | "waiting"} Phase
 * @typedef {{id: number, status: string, max_cycles: number | "all", cycles_completed: number, started_at: number,
 *   ended_at: number | null, agent: string, workflow: string, budget_usd: number | null,
 *   reason: string | null, label: string}} Batch
 * @typedef {{number: number, story_keys: string[], started_at: number, machine: string | null, waits: boolean}} Cycle
 *   `machine`: the worker that has its lane; `waits`: for a place on one
 * @typedef {{story_key: string, status: string | null, old_status: string | null, reason: string | null,
 *   cycle_number: number | null, updated_at: number, cost_usd: number, estimated_usd: number,
 *   commands: number}} Story
 * @typedef {Record<string, number>} Metrics
 * @typedef {{command_id: number, story_key: string, story_keys: string[], command: string, task_id: string,
 *   attempt: number, agent: string, model: string | null, background: boolean, started_at: number,
 *   updated_at: number, message: string, machine: string | null, metrics: Metrics}} Operation
 * @typedef {{stories_done: number, stories_blocked: number, commands: number, commands_failed: number,
 *   input_tokens: number, output_tokens: number, cache_read_tokens: number, cache_write_tokens: number,
 *   cost_usd: number, estimated_usd: number, turns: number}} Totals
 * @typedef {{kind: string, message: string, story_key: string | null, command_id: number | null, at: number,
 *   story_keys?: readonly string[], gate_id?: number | null, delivery_id?: number | null,
 *   decisions?: readonly string[], options?: readonly string[], base?: string}} Attention `base` of its runner, where a
 *   page shows several
 * @typedef {{stories: readonly string[], only: boolean, after: "story" | "cycle" | "time" | null, at: number | null}}
 *   Queue what runs first, and when the batch stops; `only`: nothing else runs
 * @typedef {{account: string, window: string, used_fraction: number, resets_at: number | null, at: number}} UsageWindow
 * @typedef {{story_key: string, state: string, folder: string, message: string, command_line: string | null,
 *   at: number}} TakeOver a story that the operator has taken over, or will have when its command has ended
 * @typedef {{state: Phase, reason: string | null, until: number | null, batch: Batch | null, cycle: Cycle | null,
 *   cycles: readonly Cycle[],
 *   stories: readonly Story[], operations: readonly Operation[], totals: Totals, attention: readonly Attention[],
 *   resumable: number | null, queue: Queue, quota: readonly UsageWindow[], takeovers: readonly TakeOver[], seq: number,
 *   limits: {budget_batch_usd: number | null, budget_day_usd: number | null, today_usd: number},
 *   guardian: {means: string[], sentence: string},
 *   awake: {active: boolean, means: string | null, problem: string | null},
 *   agent: {name: string, kind: string, version: string | null, problem: string | null},
 *   project: {name: string, root: string, tracker: string},
 *   plan: {done: number, total: number, blocked: number, runnable: number}, problem: string | null,
 *   forecast: import("./kit/forecast-text.js").Forecast | null,
 *   fleet: {name: string, address: string, connected: boolean, problem: string | null} | null,
 *   context: {status: string, message: string | null} | null}} RunState
 */

/** Newest calls for the operator that are kept; the log has them all. */
const ATTENTION_MAX = 100;

/** Metrics that add up over commands. */
const SUMMED = /** @type {const} */ ([
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "cost_usd",
  "estimated_usd",
  "turns",
]);

/**
 * The state after an event. An event that was already applied (by `seq`) changes nothing.
 * @param {RunState} state
 * @param {Envelope} event
 * @returns {RunState}
 */
export function apply(state, event) {
  if (event.seq <= state.seq) return state;
  const fold = FOLDS[event.type];
  return { ...state, ...(fold ? fold(state, event.payload, event.timestamp, event) : undefined), seq: event.seq };
}

/** @typedef {(state: RunState, payload: Record<string, any>, at: number, event: Envelope) => Partial<RunState>} Fold */

/** @type {Record<string, Fold>} */
const FOLDS = {
  "batch:start": batchStart,
  "batch:end": batchEnd,
  "batch:pause": batchPause,
  "batch:resume": batchResume,
  "batch:warning": batchWarning,
  "cycle:start": cycleStart,
  "cycle:end": cycleEnd,
  "lane:change": laneChange,
  "command:start": commandStart,
  "command:progress": commandProgress,
  "command:end": commandEnd,
  "story:status": storyStatus,
  "quota:change": quotaChange,
  "run:queue": (_, p) => ({
    queue: { stories: p.stories, only: p.only ?? false, after: p.after ?? null, at: p.at ?? null },
  }),
  "story:takeover": (state, p, at) => {
    const others = state.takeovers.filter((other) => other.story_key !== p.story_key);
    const { story_key, state: now, folder, message } = p;
    if (now === "returned") return { takeovers: others };
    const command_line = p.command_line ?? null;
    return { takeovers: [...others, { story_key, state: now, folder, message, command_line, at }] };
  },
  "story:delivery": (state, p) => ({
    attention: state.attention.filter((item) => (item.delivery_id ?? null) !== p.delivery_id),
  }),
  attention: (state, p, at) => ({
    attention: [
      ...state.attention,
      {
        kind: p.kind,
        message: p.message,
        story_key: p.story_key ?? null,
        command_id: p.command_id ?? null,
        story_keys: p.story_keys ?? [],
        gate_id: p.gate_id ?? null,
        delivery_id: p.delivery_id ?? null,
        decisions: p.decisions ?? [],
        options: p.options ?? [],
        at,
      },
    ].slice(-ATTENTION_MAX),
  }),
  "context:create": (_, p) => ({ context: { status: "running", message: p.message ?? null } }),
  "context:refresh": (_, p) => ({ context: { status: "running", message: p.message ?? null } }),
  "context:complete": contextComplete,
};

/** @type {Fold} */
function batchStart(state, p, at) {
  return {
    state: "running",
    reason: null,
    until: null,
    resumable: null,
    cycle: null,
    cycles: [],
    stories: [],
    attention: [],
    operations: inBackground(state),
    totals: noTotals(),
    batch: {
      id: p.batch_id,
      status: "running",
      max_cycles: p.max_cycles,
      cycles_completed: 0,
      started_at: at,
      ended_at: null,
      agent: p.agent ?? "",
      workflow: p.workflow ?? "",
      budget_usd: p.budget_usd ?? null,
      reason: null,
      label: p.label ?? "",
    },
  };
}

/** @type {Fold} */
function batchEnd(state, p, at) {
  const reason = p.reason ?? null;
  const ended = { status: p.status, cycles_completed: p.cycles_completed, ended_at: at, reason };
  const batch = state.batch && state.batch.id === p.batch_id ? { ...state.batch, ...ended } : state.batch;
  return {
    state: "idle",
    reason,
    until: null,
    resumable: null,
    cycle: null,
    cycles: [],
    operations: inBackground(state),
    queue: { ...noQueue(), stories: state.queue.stories },
    batch,
  };
}

/** Reasons of pauses that end by themselves. */
const WAITS = new Set(["usage-limit", "unreachable", "retry", "program", "hours", "scheduled", "reserve"]);

/** @type {Fold} */
function batchPause(state, p) {
  const interrupted = p.reason === "interrupted";
  /** @type {Phase} */
  const phase = interrupted ? "idle" : WAITS.has(p.reason) ? "waiting" : "paused";
  return {
    state: phase,
    reason: p.reason,
    until: p.until ?? null,
    resumable: interrupted ? p.batch_id : null,
    batch: withStatus(state, interrupted ? "interrupted" : "paused"),
  };
}

/** @type {Fold} */
function batchResume(state) {
  return { state: "running", reason: null, until: null, resumable: null, batch: withStatus(state, "running") };
}

/** @type {Fold} */
function batchWarning(state, p) {
  if (p.warning_type === "answered")
    return {
      attention: state.attention.filter(
        (item) => item.kind !== "question" || item.command_id !== (p.command_id ?? null),
      ),
    };
  if (p.warning_type === "decided")
    return {
      attention: state.attention.filter((item) => item.kind !== "gate" || item.gate_id !== (p.gate_id ?? null)),
    };
  return p.warning_type === "pausing" || p.warning_type === "stopping" ? { state: p.warning_type } : {};
}

/** @type {Fold} */
function cycleStart(state, p, at) {
  const cycle = { number: p.cycle_number, story_keys: p.story_keys, started_at: at, machine: null, waits: false };
  let stories = state.stories;
  for (const key of p.story_keys) stories = upsert(stories, key, { cycle_number: p.cycle_number });
  return { cycle, cycles: [...otherCycles(state, p), cycle], stories };
}

/** @type {Fold} */
function cycleEnd(state, p) {
  const batch = state.batch && { ...state.batch, cycles_completed: state.batch.cycles_completed + 1 };
  const cycles = otherCycles(state, p);
  return { cycle: cycles.at(-1) ?? null, cycles, batch };
}

/** @type {Fold} */
function laneChange(state, p) {
  const change = { machine: p.state === "worker" ? (p.machine ?? null) : null, waits: p.state === "waiting" };
  const cycles = state.cycles.map((cycle) => (cycle.number === p.cycle_number ? { ...cycle, ...change } : cycle));
  return { cycles, cycle: cycles.at(-1) ?? null };
}

/**
 * @param {RunState} state
 * @param {Record<string, any>} p of a `cycle:start` or `cycle:end`
 */
function otherCycles(state, p) {
  return state.cycles.filter((cycle) => cycle.number !== p.cycle_number);
}

/** @type {Fold} */
function commandStart(state, p, at) {
  if (p.command_id === undefined) return {};
  return {
    operations: [...without(state, p.command_id), newOperation(p, at)],
    stories: upsert(state.stories, p.story_key, {}),
  };
}

/** @type {Fold} */
function commandProgress(state, p, at) {
  const index = state.operations.findIndex((operation) => operation.command_id === p.command_id);
  if (index < 0) return {};
  const operations = [...state.operations];
  const old = operations[index];
  const metrics = p.metrics ?? old.metrics;
  operations[index] = { ...old, task_id: p.task_id, message: p.message, updated_at: at, metrics };
  return { operations };
}

/** @type {Fold} */
function commandEnd(state, p) {
  const metrics = p.metrics ?? {};
  const story = state.stories.find((other) => other.story_key === p.story_key);
  const change = {
    cost_usd: (story?.cost_usd ?? 0) + (metrics.cost_usd ?? 0),
    estimated_usd: (story?.estimated_usd ?? 0) + (metrics.estimated_usd ?? 0),
    commands: (story?.commands ?? 0) + 1,
  };
  return {
    operations: without(state, p.command_id),
    totals: booked(state.totals, metrics, p),
    stories: upsert(state.stories, p.story_key, change),
  };
}

/** @type {Fold} */
function storyStatus(state, p, at, event) {
  // Only the file has changed, or the status of a story that is not in the batch was set by hand.
  if (p.old_status === p.new_status) return {};
  if (event.batch_id == null && !state.stories.some((story) => story.story_key === p.story_key)) return {};
  const change = { status: p.new_status, old_status: p.old_status, reason: p.reason ?? null, updated_at: at };
  const stories = upsert(state.stories, p.story_key, change);
  const have = (/** @type {string} */ status) => stories.filter((story) => story.status === status).length;
  return { stories, totals: { ...state.totals, stories_done: have("done"), stories_blocked: have("blocked") } };
}

/** @type {Fold} */
function contextComplete(state, p) {
  return { context: null, ...(p.metrics ? { totals: booked(state.totals, p.metrics, p) } : undefined) };
}

/**
 * @param {Totals} totals
 * @param {Metrics} metrics of one finished command
 * @param {Record<string, any>} end its last event
 * @returns {Totals}
 */
function booked(totals, metrics, { status, verdict }) {
  const next = { ...totals, commands: totals.commands + 1 };
  if (resultOf(status, verdict).result === "failed") next.commands_failed += 1;
  for (const name of SUMMED) next[name] += metrics[name] ?? 0;
  return next;
}

/** @type {Fold} */
function quotaChange(state, p) {
  const { account, window, used_fraction, resets_at = null, at } = p;
  const others = state.quota.filter((known) => known.account !== account || known.window !== window);
  const quota = [...others, { account, window, used_fraction, resets_at, at }];
  const before = (/** @type {string} */ one, /** @type {string} */ other) => (one < other ? -1 : +(one > other));
  return { quota: quota.sort((a, b) => before(a.account, b.account) || before(a.window, b.window)) };
}

/** @param {RunState} state */
function inBackground(state) {
  return state.operations.filter((operation) => operation.background);
}

/** @param {RunState} state @param {number} id of a command */
function without(state, id) {
  return state.operations.filter((operation) => operation.command_id !== id);
}

/**
 * @param {RunState} state
 * @param {string} status
 */
function withStatus(state, status) {
  return state.batch && { ...state.batch, status };
}

/**
 * @param {readonly Story[]} stories
 * @param {string} key
 * @param {Partial<Story>} change
 * @returns {readonly Story[]}
 */
function upsert(stories, key, change) {
  // A command that plans the sprint has no story.
  if (!key) return stories;
  const index = stories.findIndex((story) => story.story_key === key);
  if (index >= 0) return stories.map((story, at) => (at === index ? { ...story, ...change } : story));
  return [...stories, { ...newStory(key), ...change }];
}
