// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { apply } from "../../static/state.js";
import { fromInit, initial } from "../../static/state-initial.js";
import { command, START, sequence } from "./events.js";

/** @param {import("../../static/state.js").Envelope[]} events */
function fold(events, from = initial()) {
  return events.reduce(apply, from);
}

test("a batch runs from start to end", () => {
  const event = sequence();
  const running = fold([
    event("batch:start", { batch_id: 7, max_cycles: "all", agent: "demo", workflow: "classic", budget_usd: 5 }),
    event("cycle:start", { cycle_number: 1, story_keys: ["1-1-a", "1-2-b"] }),
    event("command:start", command(1, "1-1-a", { story_keys: ["1-1-a", "1-2-b"] })),
  ]);
  assert.equal(running.state, "running");
  assert.deepEqual(running.cycle?.story_keys, ["1-1-a", "1-2-b"]);
  assert.deepEqual(
    running.operations.map((operation) => operation.command_id),
    [1],
  );
  const ended = fold(
    [
      event("command:end", command(1, "1-1-a", { status: "success", metrics: { cost_usd: 0.5, output_tokens: 10 } })),
      event("story:status", { story_key: "1-1-a", old_status: "review", new_status: "done" }),
      event("cycle:end", { cycle_number: 1, completed_stories: ["1-1-a"] }),
      event("batch:end", { batch_id: 7, cycles_completed: 1, status: "completed" }),
    ],
    running,
  );
  assert.equal(ended.state, "idle");
  assert.equal(ended.batch?.status, "completed");
  assert.equal(ended.totals.stories_done, 1);
  assert.equal(ended.totals.cost_usd, 0.5);
  assert.equal(ended.stories[0].cost_usd, 0.5);
  assert.equal(ended.cycle, null);
});

test("an event that was applied already changes nothing", () => {
  const event = sequence();
  const end = event("command:end", command(1, "1-1-a", { status: "success", metrics: { cost_usd: 1 } }));
  const once = apply(initial(), end);
  assert.equal(apply(once, end), once);
});

test("a state is never changed in place", () => {
  const event = sequence();
  /** @param {any} value */
  const freeze = (value) => {
    if (value && typeof value === "object") Object.values(Object.freeze(value)).forEach(freeze);
    return value;
  };
  const events = [
    event("batch:start", { batch_id: 1, max_cycles: 1 }),
    event("cycle:start", { cycle_number: 1, story_keys: ["1-1-a"] }),
    event("command:start", command(1, "1-1-a")),
    event("command:progress", command(1, "1-1-a", { message: "Edit a.py", metrics: { cost_usd: 1 } })),
    event("command:end", command(1, "1-1-a", { status: "error" })),
    event("story:status", { story_key: "1-1-a", old_status: "review", new_status: "blocked" }),
    event("attention", { kind: "blocked", message: "look" }),
    event("batch:pause", { batch_id: 1, reason: "operator" }),
    event("batch:end", { batch_id: 1, cycles_completed: 0, status: "stopped" }),
  ];
  assert.equal(events.reduce((state, next) => freeze(apply(state, next)), freeze(initial())).state, "idle");
});

test("what an event does not concern stays the same object", () => {
  const event = sequence();
  const before = fold([
    event("batch:start", { batch_id: 1, max_cycles: 1 }),
    event("command:start", command(1, "1-1-a")),
  ]);
  const after = apply(before, event("command:progress", command(1, "1-1-a", { message: "x" })));
  assert.equal(after.stories, before.stories);
  assert.equal(after.totals, before.totals);
  assert.notEqual(after.operations, before.operations);
});

test("parallel commands are kept apart by their id, not by task or story", () => {
  const event = sequence();
  const state = fold([
    event("command:start", command(1, "1-1-a", { command: "create-story" })),
    event("command:start", command(2, "1-1-a", { command: "story-discovery" })),
    event("command:progress", command(2, "1-1-a", { message: "exploring" })),
    event("command:end", command(1, "1-1-a", { status: "success" })),
  ]);
  assert.deepEqual(
    state.operations.map(({ command_id, message }) => [command_id, message]),
    [[2, "exploring"]],
  );
});

for (const [reason, expected] of /** @type {const} */ ([
  ["operator", "paused"],
  ["usage-limit", "waiting"],
  ["interrupted", "idle"],
])) {
  test(`a pause for ${reason} is ${expected}`, () => {
    const event = sequence();
    const state = fold([
      event("batch:start", { batch_id: 4, max_cycles: 1 }),
      event("batch:pause", { batch_id: 4, reason, until: 5 }),
    ]);
    assert.equal(state.state, expected);
    assert.equal(state.resumable, reason === "interrupted" ? 4 : null);
  });
}

test("background work outlives the batch and does not touch its state", () => {
  const event = sequence();
  const ended = fold([
    event("batch:start", { batch_id: 1, max_cycles: 1 }),
    event("command:start", command(1, "1-1-a", { background: true })),
    event("batch:end", { batch_id: 1, cycles_completed: 1, status: "completed" }),
  ]);
  assert.equal(ended.operations.length, 1);
  const later = apply(ended, event("command:end", command(1, "1-1-a", { status: "success", background: true })));
  assert.equal(later.state, "idle");
  assert.equal(later.operations.length, 0);
});

test("a story that leaves done is not counted as done any more", () => {
  const event = sequence();
  const state = fold([
    event("story:status", { story_key: "1-1-a", old_status: "review", new_status: "done" }),
    event("story:status", { story_key: "1-1-a", old_status: "done", new_status: "review" }),
  ]);
  assert.equal(state.totals.stories_done, 0);
});

test("a status that is set outside the run is not the batch's work", () => {
  const status = {
    type: "story:status",
    payload: { story_key: "1-1-a", old_status: "review", new_status: "done" },
    timestamp: START,
    seq: 1,
    batch_id: null,
  };
  assert.equal(apply(initial(), status).totals.stories_done, 0);
});

test("init replaces everything and keeps its own seq", () => {
  const state = fromInit({
    seq: 12,
    run: { state: "paused", reason: "budget", seq: 12, plan: { done: 1, total: 2, blocked: 0, runnable: 1 } },
  });
  assert.equal(state.state, "paused");
  assert.equal(state.seq, 12);
  assert.equal(state.plan.total, 2);
  assert.deepEqual(state.operations, []);
});

test("an event of an unknown type only moves the seq", () => {
  const before = initial();
  const after = apply(before, { type: "weather:rain", payload: {}, timestamp: START, seq: 1, batch_id: null });
  assert.deepEqual({ ...after, seq: 0 }, before);
});

test("a lane has the name of its worker, waits for one, or has lost it", () => {
  const event = sequence();
  const started = fold([
    event("batch:start", { batch_id: 1, max_cycles: 1 }),
    event("cycle:start", { cycle_number: 1, story_keys: ["1-1-a"] }),
    event("cycle:start", { cycle_number: 2, story_keys: ["2-1-b"] }),
  ]);
  const change = (/** @type {string} */ state, /** @type {string} */ machine) =>
    fold([event("lane:change", { cycle_number: 2, story_keys: ["2-1-b"], state, machine, message: "" })], started)
      .cycles;
  const places = (/** @type {string} */ state, machine = "desktop") =>
    change(state, machine).map((cycle) => [cycle.machine, cycle.waits]);
  assert.deepEqual(places("worker"), [
    [null, false],
    ["desktop", false],
  ]);
  assert.deepEqual(places("waiting")[1], [null, true]);
  assert.deepEqual(places("lost")[1], [null, false]);
});
