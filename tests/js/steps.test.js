// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { entryOf } from "../../static/kit/retry-step.js";
import { lanesOf, liveCommand, stepsOf } from "../../static/run/steps.js";
import { initial } from "../../static/state-initial.js";

/** @param {number} id @param {string} command @param {string[]} keys @param {Record<string, any>} [more] @returns {any} */
const ran = (id, command, keys, more) => ({
  command_id: id,
  command,
  story_keys: keys,
  attempt: 1,
  status: "success",
  verdict: "",
  reason: "",
  background: false,
  started_at: id,
  ended_at: id + 1,
  agent: "demo",
  ...more,
});
/** @param {string} command @param {string[]} keys @param {Record<string, any>} [more] @returns {any} */
const coming = (command, keys, more) => ({
  command,
  story_keys: keys,
  attempt: 1,
  condition: "",
  by: "agent",
  state: "next",
  ...more,
});
/** @param {any[]} all @returns {any} */
const list = (all) => new Map(all.map((command) => [command.command_id, command]));
/** @param {number} number @param {string[]} story_keys */
const cycle = (number, story_keys) => ({ number, story_keys, started_at: 0 });

test("a blocked story continues at the step that has blocked it", () => {
  const entries = ["story-review-2", "tech-spec-review-1", "dev-story", "code-review-10", "commit", "build-auto"];
  assert.deepEqual(
    entries.map((command) => entryOf(command)),
    [
      { status: "backlog", step: "create-story" },
      { status: "ready-for-dev", step: "create-tech-spec" },
      { status: "ready-for-dev", step: "dev-story" },
      { status: "review", step: "code-review" },
      { status: "review", step: "code-review" },
      { status: "ready-for-dev", step: "build-auto" },
    ],
  );
  assert.equal(entryOf("lint"), null);
});

test("steps that have begun are followed by those to come, each once", () => {
  const commands = [ran(1, "create-story", ["a"]), ran(2, "dev-story", ["a"], { status: "running", ended_at: null })];
  const steps = stepsOf(commands, [coming("dev-story", ["a"]), coming("dev-story", ["b"]), coming("commit", ["a"])]);
  assert.deepEqual(
    steps.map(({ command, keys, result }) => `${command} ${keys} ${result}`),
    ["create-story a success", "dev-story a running", "dev-story b next", "commit a next"],
  );
});

test("another attempt is a step of its own", () => {
  const steps = stepsOf(
    [ran(1, "dev-story", ["a"], { status: "error", reason: "no tests" })],
    [coming("dev-story", ["a"], { attempt: 2 })],
  );
  assert.deepEqual(
    steps.map(({ attempt, result, note }) => [attempt, result, note]),
    [
      [1, "failed", "no tests"],
      [2, "next", ""],
    ],
  );
});

test("a command after which its story is blocked is no success", () => {
  const [step] = stepsOf([ran(1, "dev-story", ["a"], { verdict: "blocked" })], []);
  assert.deepEqual([step.result, step.words], ["failed", "blocked the story"]);
});

test("a review with which its story was blocked is no success in its lane", () => {
  const state = { ...initial(), state: "running", cycles: [cycle(1, ["a", "b"])] };
  const stories = [{ story_key: "a", status: "blocked", reason: "still HIGH after 2 code reviews, the limit" }];
  const commands = list([
    ran(1, "code-review-1", ["a"], { verdict: "HIGH" }),
    ran(2, "code-review-2", ["a"], { verdict: "HIGH" }),
    ran(3, "dev-story", ["b"], { verdict: "complete" }),
  ]);
  const [lane] = lanesOf(/** @type {any} */ ({ ...state, stories }), commands, []);
  assert.deepEqual(
    lane.steps.map(({ result, note }) => [result, note]),
    [
      ["success", "HIGH"],
      ["failed", "still HIGH after 2 code reviews, the limit"],
      ["success", "complete"],
    ],
  );
});

test("stories that are worked on side by side have a lane each", () => {
  const run = /** @type {any} */ ({ ...initial(), state: "running", cycles: [cycle(1, ["a"]), cycle(2, ["b", "c"])] });
  const commands = list([
    ran(1, "dev-story", ["a"]),
    ran(2, "create-story", ["b", "c"]),
    ran(3, "create-project-context", [""]),
  ]);
  const upcoming = [
    { state: "running", story_keys: ["a"], steps: [coming("commit", ["a"])] },
    { state: "next", story_keys: ["d"], steps: [coming("dev-story", ["d"])] },
  ];
  assert.deepEqual(
    lanesOf(run, commands, upcoming).map(({ title, keys, steps }) => [title, keys, steps.map((step) => step.command)]),
    [
      ["Project", [], ["create-project-context"]],
      ["", ["a"], ["dev-story", "commit"]],
      ["", ["b", "c"], ["create-story"]],
    ],
  );
});

test("a lane says which worker has it, or that it waits for one", () => {
  const cycles = [cycle(1, ["a"]), { ...cycle(2, ["b"]), machine: "desktop" }, { ...cycle(3, ["c"]), waits: true }];
  const run = /** @type {any} */ ({ ...initial(), state: "running", cycles });
  assert.deepEqual(
    lanesOf(run, list([]), []).map(({ place }) => place),
    ["", "on desktop", "waits for a place on a worker"],
  );
});

test("while nothing runs, the certain steps of what is next are shown", () => {
  const steps = [
    coming("dev-story", ["d"]),
    coming("code-review-2", ["d"], { condition: "if code-review-1 asks for changes" }),
  ];
  const shown = (/** @type {string} */ state) =>
    lanesOf(/** @type {any} */ ({ ...initial() }), list([]), [{ state, story_keys: ["d"], steps }]);
  assert.deepEqual(
    shown("next").map((lane) => [lane.title, lane.steps.map((step) => step.command)]),
    [["Next group", ["dev-story"]]],
  );
  assert.equal(shown("begun")[0].title, "Interrupted");
});

test("the output is that of what the run waits for", () => {
  const live = { status: "running", ended_at: null };
  const commands = list([
    ran(1, "dev-story", ["a"], live),
    ran(2, "story-review-2", ["a"], { ...live, background: true }),
    ran(3, "dev-story", ["b"], live),
    ran(4, "commit", ["a"], { agent: "runner" }),
  ]);
  assert.equal(liveCommand(commands)?.command_id, 3);
  assert.equal(liveCommand(commands, ["a"])?.command_id, 1);
  assert.equal(
    liveCommand(list([ran(1, "dev-story", ["a"]), ran(4, "commit", ["a"], { agent: "runner" })]))?.command_id,
    1,
  );
  assert.equal(liveCommand(list([])), null);
});
