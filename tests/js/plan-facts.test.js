// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { cardNote, factRows, gateFacts, isClosable } from "../../static/board/plan-facts.js";

const isStory = (/** @type {string} */ name) => name.includes(".");
const gate = {
  closed: false,
  finished: ["1.1"],
  missing: [],
  holds: ["2", "3.1"],
  waits_for: [],
  retrospective: false,
};

test("a card says the nearest reason why its story does not start", () => {
  /** @type {[any, string][]} */
  const table = [
    [{ status: "done", hold: "x" }, ""],
    [{ status: "blocked", blocked_reason: "no log" }, "no log"],
    [{ status: "backlog", hold: "A person.", waiting_for: ["1.1"] }, "A person."],
    [{ status: "backlog", waiting_for: ["1.1", "2"] }, "Waits for 1.1, epic 2."],
    [{ status: "backlog", waiting_for: ["1.1", "1.2", "1.3", "1.4", "1.5"] }, "Waits for 1.1, 1.2, 1.3 and 2 more."],
    [{ status: "backlog", leftover: true }, "Left in an epic that is done: runs only when named."],
    [{ status: "ready-for-dev", plan_checkpoint: true }, "The run stops for a look at its plan."],
    [{ status: "review", plan_checkpoint: true, done_checkpoint: true }, "The run stops for a look when it is done."],
    [{ status: "backlog" }, ""],
    [{ status: "done", followup_review_recommended: true }, "Its build recommends a further review."],
    [{ status: "review", warnings: ["oversized", "multiple-goals"] }, "Its build warns: oversized, multiple-goals."],
    [{ status: "review", warnings: ["oversized"], done_checkpoint: true }, "The run stops for a look when it is done."],
  ];
  for (const [story, note] of table) assert.equal(cardNote(story, isStory), note);
});

test("the gate of an epic says what is missing and who waits", () => {
  assert.deepEqual(gateFacts(gate, isStory), ["all finished", "no retrospective", "epic 2, 3.1 wait for it"]);
  const held = { ...gate, missing: ["1.2"], holds: [], waits_for: ["1"], retrospective: true };
  assert.deepEqual(gateFacts(held, isStory), ["1 ticket open", "opens after epic 1"]);
  assert.deepEqual(gateFacts({ ...gate, closed: true }, isStory), ["closed"]);
  assert.deepEqual(gateFacts(null, isStory), []);
});

test("an epic is closed here only when everything of it is finished", () => {
  assert.equal(isClosable(gate), true);
  assert.equal(isClosable({ ...gate, missing: ["1.2"] }), false);
  assert.equal(isClosable({ ...gate, closed: true }), false);
  assert.equal(isClosable({ ...gate, finished: [] }), false);
  assert.equal(isClosable(null), false);
});

test("the dossier lists what the plan says, and nothing that it does not", () => {
  assert.deepEqual(factRows({}), []);
  assert.deepEqual(factRows({ ref: "1.2", after: ["1.1"], risk: "high", done_checkpoint: true }), [
    ["Called", "1.2"],
    ["Needs", "1.1"],
    ["Stops", "the run pauses when it is done"],
    ["Risk", "high"],
  ]);
  assert.deepEqual(factRows({ followup_review_recommended: true, warnings: ["oversized", "multiple-goals"] }), [
    ["Its build", "recommends a further review"],
    ["Warnings", "oversized, multiple-goals"],
  ]);
});
