// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { applyEvent, NO_COMMANDS, withHistory } from "../../static/shell/command-list.js";
import { counted, newerThan, overlay } from "../../static/shell/plan.js";
import { parse, toHash } from "../../static/shell/router.js";
import { command, sequence } from "./events.js";

test("steps keep the order in which commands started, and how each one ended", () => {
  const event = sequence();
  const commands = [
    event("command:start", command(1, "1-1-a", { story_keys: ["1-1-a", "1-2-b"] })),
    event("command:start", command(2, "1-1-a", { command: "code-review-1" })),
    event("command:end", command(1, "1-1-a", { status: "success", verdict: "complete" })),
  ].reduce(applyEvent, NO_COMMANDS);
  assert.deepEqual(
    [...commands.values()].map((command) => [command.command_id, command.status, command.verdict]),
    [
      [1, "success", "complete"],
      [2, "running", ""],
    ],
  );
  assert.deepEqual(commands.get(1)?.story_keys, ["1-1-a", "1-2-b"]);
});

test("a server that stopped interrupts what ran", () => {
  const event = sequence();
  const commands = [
    event("command:start", command(1, "1-1-a")),
    event("batch:pause", { batch_id: 1, reason: "interrupted" }),
  ].reduce(applyEvent, NO_COMMANDS);
  assert.equal(commands.get(1)?.status, "interrupted");
});

test("fetched and live commands join; the later word wins", () => {
  const event = sequence();
  const history = [event("command:start", command(1, "1-1-a")), event("command:start", command(2, "1-1-a"))];
  const live = [...history.slice(1), event("command:end", command(2, "1-1-a", { status: "success" }))].reduce(
    applyEvent,
    NO_COMMANDS,
  );
  const joined = withHistory(live, history);
  assert.deepEqual(
    [...joined.values()].map((command) => command.status),
    ["running", "success"],
  );
});

/** @returns {any} */
function sprint() {
  const story = (/** @type {string} */ key, /** @type {string} */ status) => ({
    key,
    status,
    runnable: !["done", "blocked"].includes(status),
  });
  return {
    stories: [story("1-1-a", "done"), story("1-2-b", "review"), story("1-3-c", "backlog")],
    epics: [],
    other: [],
    problems: [],
  };
}

test("statuses heard since the plan was read lie over it, and the counts follow", () => {
  const plan = overlay(sprint(), new Map([["1-2-b", { status: "done", seq: 9 }]]));
  assert.deepEqual(plan.counts, { total: 3, done: 2, blocked: 0, runnable: 1, held: 0 });
  assert.equal(plan.byKey.get("1-2-b")?.status, "done");
  assert.deepEqual(counted(sprint().stories), { total: 3, done: 1, blocked: 0, runnable: 2, held: 0 });
});

test("an unknown status does not make a story vanish", () => {
  const plan = overlay(sprint(), new Map([["1-3-c", { status: "someday", seq: 1 }]]));
  assert.deepEqual([plan.stories[2].status, plan.stories[2].runnable], ["unknown", false]);
});

test("a status that the plan already has is forgotten", () => {
  const overrides = new Map([
    ["a", { status: "done", seq: 3 }],
    ["b", { status: "done", seq: 8 }],
  ]);
  assert.deepEqual([...newerThan(overrides, 5).keys()], ["b"]);
});

test("the open tab and story are in the address", () => {
  assert.equal(toHash("board", { story: "1-2-b", q: "" }), "#board?story=1-2-b");
  const { tab, params } = parse("#board?story=1-2-b", ["run", "board"], "run");
  assert.equal(tab, "board");
  assert.equal(params.get("story"), "1-2-b");
  assert.equal(parse("#nowhere", ["run", "board"], "run").tab, "run");
});
