// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { actionText, headline, offered } from "../../static/run/run-text.js";
import { initial } from "../../static/state-initial.js";

const COUNTS = { done: 3, total: 7, blocked: 0, runnable: 4, held: 0 };
const BATCH = {
  id: 1,
  status: "running",
  max_cycles: /** @type {const} */ ("all"),
  cycles_completed: 0,
  started_at: 0,
  ended_at: null,
  agent: "demo",
  workflow: "classic",
  budget_usd: null,
  reason: null,
};

/** @param {Partial<import("../../static/state.js").RunState>} change */
function said(change, now = 0) {
  return headline({ ...initial(), batch: BATCH, ...change }, COUNTS, now).text;
}

test("the state of the run in words", () => {
  const cycle = { number: 2, story_keys: [], started_at: 0 };
  assert.equal(said({ state: "running", cycle, cycles: [cycle] }), "Running – 3 of 7 stories done");
  assert.equal(said({ state: "paused", reason: "operator" }), "Paused by you");
  assert.equal(said({ state: "paused", reason: "budget" }), "Paused: the budget is used up");
  assert.equal(said({ state: "paused", reason: "the moon" }), "Paused: the moon");
  assert.equal(
    said({ resumable: 1, batch: { ...BATCH, status: "interrupted" } }),
    "Interrupted: batch 1 can continue at the same place",
  );
});

test("a usage limit says until when and how long that is", () => {
  const until = new Date(2026, 0, 24, 14, 5).getTime();
  const words = said({ state: "waiting", reason: "usage-limit", until }, until - 12 * 60_000);
  assert.equal(words, "Waiting for the usage limit until 14:05 (in 12 min)");
});

test("every wait says for what and until when", () => {
  const until = new Date(2026, 0, 24, 14, 5).getTime();
  const table = /** @type {const} */ ([
    ["unreachable", "Waiting: the agent's service cannot be reached, next try at 14:05 (in 45 s)"],
    ["retry", "Waiting: the agent's service had trouble, next try at 14:05 (in 45 s)"],
    ["program", "Waiting: the agent's program is missing, next try at 14:05 (in 45 s)"],
  ]);
  for (const [reason, words] of table) assert.equal(said({ state: "waiting", reason, until }, until - 45_000), words);
  assert.equal(said({ state: "waiting", reason: "usage-limit", until: null }), "Waiting for the usage limit");
});

test("how a batch ended", () => {
  const totals = { ...initial().totals, stories_done: 6, stories_blocked: 1 };
  assert.equal(said({ batch: { ...BATCH, status: "completed" }, totals }), "Finished: 6 done, 1 blocked");
  assert.equal(said({ batch: { ...BATCH, status: "stopped" } }), "Stopped: 0 done");
  assert.equal(said({ batch: { ...BATCH, status: "error", reason: "the disk is full" } }), "Failed: the disk is full");
  assert.equal(said({ batch: null }), "Ready: 4 stories to run");
});

test("only what is possible is offered", () => {
  const table = /** @type {const} */ ([
    ["idle", null, ["start"]],
    ["idle", 3, ["resume", "start"]],
    ["starting", null, []],
    ["running", null, ["pause", "stop"]],
    ["pausing", null, ["resume", "stop"]],
    ["paused", null, ["resume", "stop"]],
    ["waiting", null, ["resume", "stop"]],
    ["stopping", null, ["stop"]],
  ]);
  for (const [state, resumable, verbs] of table) assert.deepEqual(offered({ state, resumable }), verbs, state);
});

test("at a gate nothing but the decision continues", () => {
  assert.deepEqual(offered({ state: "paused", resumable: null, reason: "gate" }), ["stop"]);
  assert.deepEqual(offered({ state: "paused", resumable: null, reason: "budget" }), ["resume", "stop"]);
});

test("that nothing can run is said with what it waits for", () => {
  const idle = /** @type {any} */ ({ state: "idle", resumable: null });
  const chosen = /** @type {import("../../static/run/run-text.js").Chosen} */ ({
    stories: 0,
    cycles: "all",
    budget: null,
    agent: "",
  });
  assert.match(actionText(idle, { ...chosen, held: 2 }), /No story can run now: 2 wait, and the Board/);
  assert.match(actionText(idle, { ...chosen, held: 0 }), /all are done, blocked or skipped/);
});
