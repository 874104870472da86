// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { actionText } from "../../static/run/run-text.js";
import { readBudget, readCycles, readStories } from "../../static/run/start-form.js";
import { NO_PLAN, overlay } from "../../static/shell/plan.js";
import { initial } from "../../static/state-initial.js";

/** @param {string} key @param {string} status @returns {any} */
const story = (key, status) => ({
  key,
  epic: key[0],
  title: key,
  status,
  runnable: !["done", "blocked"].includes(status),
});
const plan = overlay(
  /** @type {any} */ ({
    stories: [story("1-1-a", "done"), story("1-2-b", "backlog"), story("2a-1-c", "review"), story("odd", "backlog")],
  }),
  new Map(),
);

test("a number of cycles is whole and from 1 to 1000", () => {
  for (const right of ["1", "1000", " 7 "]) assert.equal(readCycles(right).value, Number(right));
  for (const wrong of ["", "0", "-1", "1.5", "1001", "many"])
    assert.match(readCycles(wrong).wrong, /whole number from 1 to 1000/);
});

test("a budget is above zero, or none", () => {
  assert.deepEqual(readBudget(" "), { value: null, wrong: "" });
  assert.equal(readBudget("0.5").value, 0.5);
  for (const wrong of ["0", "-3", "1e9", "abc"]) assert.match(readBudget(wrong).wrong, /above 0/);
  assert.match(readBudget("", true).wrong, /above 0/);
});

test("stories are found by number or key, each once", () => {
  assert.deepEqual(readStories("1-2, 2A-1;odd 1-2-b", plan).value, ["1-2-b", "2a-1-c", "odd"]);
  assert.deepEqual(readStories("", NO_PLAN), { value: null, wrong: "" });
});

test("what is not in the plan, or does not run, is named", () => {
  assert.equal(readStories("9-9, 1-2", plan).wrong, "The plan has no story 9-9.");
  assert.equal(readStories("9-9, 8", plan).wrong, "The plan has no stories 9-9, 8.");
  assert.equal(readStories("1-1", plan).wrong, "1-1 is done.");
});

test("what each verb will do is said", () => {
  const run = initial();
  const chosen = { stories: 7, cycles: /** @type {const} */ ("all"), budget: null, agent: "demo" };
  assert.equal(actionText(run, chosen), "Starts 7 stories with demo.");
  assert.equal(
    actionText(run, { ...chosen, cycles: 2, budget: 5 }),
    "Starts 2 groups, at most 4 stories with demo, pauses at $5.00.",
  );
  assert.equal(
    actionText({ ...run, resumable: 3 }, { ...chosen, stories: 0 }),
    "Batch 3 continues where it was interrupted. A new batch leaves it behind. No story can run: all are done, blocked or skipped.",
  );
  for (const state of /** @type {const} */ (["running", "pausing", "paused", "waiting", "stopping"]))
    assert.match(actionText({ ...run, state }, chosen), /\w+ .*\./);
  assert.match(actionText({ ...run, state: "paused", reason: "budget" }, chosen), /raised in the settings/);
});
