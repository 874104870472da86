// @ts-check
/** The runners of the fleet's page: what its server sends, folded; what they add up to; and where a page's server is. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  applyMessage,
  currentOperation,
  fullestWindow,
  isWorking,
  runnersOf,
  totalsOf,
} from "../../static/fleet/runners.js";
import { address, runnerPath } from "../../static/kit/base-path.js";

const info = (/** @type {string} */ project) => ({ project, machine: "m", folder: "/", branch: null, started_at: 0 });

/** @param {string} id @param {string} project @param {any} run @param {string | null} [lost] */
function runner(id, project, run, lost = null) {
  return { id, info: info(project), heard_at: 1, lost, epoch: "e", run };
}

const RUNNING = {
  state: "running",
  plan: { done: 2, total: 5, blocked: 0, runnable: 3 },
  limits: { budget_batch_usd: null, budget_day_usd: null, today_usd: 1.5 },
};

function three() {
  const runners = [
    runner("a", "alpha", RUNNING),
    runner("b", "Beta", RUNNING, "It does not answer."),
    runner("c", "x", null),
  ];
  return runnersOf({ run: { runners } });
}

test("a change replaces the parts of a run that it names", () => {
  const before = three();
  const after = applyMessage(before, {
    type: "runner:run",
    payload: { id: "a", heard_at: 9, run: { state: "paused" } },
  });
  assert.equal(after[0].run?.state, "paused");
  assert.equal(after[0].run?.plan.total, 5);
  assert.equal(after[0].heard_at, 9);
  assert.equal(after[1], before[1]);
});

test("runners come, go, and keep the order of their projects", () => {
  const more = applyMessage(three(), { type: "runner", payload: runner("d", "bar", RUNNING) });
  assert.deepEqual(
    more.map(({ id }) => id),
    ["a", "d", "b", "c"],
  );
  const fewer = applyMessage(more, { type: "runner:removed", payload: { id: "a" } });
  assert.deepEqual(
    fewer.map(({ id }) => id),
    ["d", "b", "c"],
  );
  assert.equal(applyMessage(fewer, { type: "of another version", payload: {} }), fewer);
});

test("totals count who works and is reached, and what is known of all", () => {
  assert.deepEqual(totalsOf(three()), { running: 1, all: 3, lost: 1, done: 4, total: 10, today: 3 });
  assert.deepEqual(three().map(isWorking), [true, false, false]);
});

test("the current command is one of the stories, not one in the background", () => {
  const [first] = three();
  assert.ok(first.run);
  const operations = /** @type {any} */ ([
    { command_id: 1, background: true },
    { command_id: 2, background: false },
  ]);
  assert.equal(currentOperation({ ...first.run, operations })?.command_id, 2);
  assert.equal(currentOperation(first.run), null);
});

test("the window that is shown is the fullest of the account in use, if it is not over", () => {
  const [first] = three();
  assert.ok(first.run);
  const window = (
    /** @type {string} */ account,
    /** @type {number} */ used,
    /** @type {number} */ at,
    resets = 100,
  ) => ({
    account,
    window: "5h",
    used_fraction: used,
    resets_at: resets,
    at,
  });
  const quota = [window("old", 0.9, 1), window("new", 0.2, 5), { ...window("new", 0.6, 4), window: "week" }];
  assert.equal(fullestWindow({ ...first.run, quota }, 50)?.window, "week");
  assert.equal(fullestWindow({ ...first.run, quota }, 150), null);
});

test("paths of the interface lead to the runner of the page's address", () => {
  assert.equal(runnerPath("/r/local.0123abcd/"), "/r/local.0123abcd");
  for (const path of ["/", "/r/", "/r/x", "/x/r/y/", "/r/a b/"]) assert.equal(runnerPath(path), "");
  assert.equal(address("/api/run", "/r/x"), "/r/x/api/run");
  assert.equal(address("/r/y/api/run", "/r/x"), "/r/y/api/run");
  assert.equal(address("/api/projects/start", "/r/x"), "/api/projects/start");
  for (const path of ["#run", "https://example.org/api/x", "/static/x"]) assert.equal(address(path, "/r/x"), path);
  assert.equal(address("/api/run"), "/api/run");
});
