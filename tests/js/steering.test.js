// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { endingText, nextTime } from "../../static/run/ending.js";
import { placeOf } from "../../static/run/next-list.js";
import { moved, toQueue } from "../../static/run/run-queue.js";
import { orderText, rowsOf } from "../../static/run/story-picker.js";
import { overlay } from "../../static/shell/plan.js";

/** @param {string} key @param {Record<string, any>} [more] */
const story = (key, more) => ({ key, epic: key[0], title: `Story ${key}`, status: "backlog", runnable: true, ...more });

const PLAN = overlay(
  /** @type {any} */ ({
    epics: [
      { id: "1", title: "Dates", stories: [] },
      { id: "2", title: "Lists", stories: [] },
    ],
    stories: [
      story("1-1-a"),
      story("1-2-b", { waiting_for: ["1-1-a"] }),
      story("2-1-c"),
      story("2-2-d", { runnable: false }),
    ],
  }),
  new Map(),
);

test("a story is moved to a place, and not beyond the ends", () => {
  assert.deepEqual(moved(["a", "b", "c"], "c", 0), ["c", "a", "b"]);
  assert.deepEqual(moved(["a", "b", "c"], "a", 9), ["b", "c", "a"]);
  assert.deepEqual(moved(["a", "b", "c"], "b", -1), ["b", "a", "c"]);
});

test("only what was moved, and what is before it, is queued", () => {
  assert.deepEqual(toQueue(["a", "b", "c"], ["b", "a", "c"], []), ["b", "a"]);
  assert.deepEqual(toQueue(["a", "b", "c"], ["b", "a", "c"], ["c"]), ["b", "a", "c"]);
  assert.deepEqual(toQueue(["a", "b"], ["a", "b"], []), []);
});

test("a place is asked for by its number or by Alt and an arrow", () => {
  const key = (/** @type {string} */ name, /** @type {Record<string, boolean>} */ more = {}) =>
    /** @type {any} */ ({ key: name, altKey: false, ctrlKey: false, metaKey: false, shiftKey: false, ...more });
  assert.equal(placeOf(key("3"), 0), 2);
  assert.equal(placeOf(key("ArrowUp", { altKey: true }), 4), 3);
  assert.equal(placeOf(key("ArrowDown", { altKey: true }), 4), 5);
  for (const other of [key("0"), key("ArrowUp"), key("3", { ctrlKey: true }), key("a")])
    assert.equal(placeOf(other, 1), null);
});

test("the end of a batch is said, and a time of the clock is the next one", () => {
  const now = new Date(2026, 10, 29, 17, 0).getTime();
  assert.equal(endingText({ stories: [], only: false, after: "cycle", at: null }, now), "Stops after these stories.");
  assert.equal(endingText({ stories: [], only: false, after: null, at: null }, now), "");
  assert.equal(nextTime("17:30", now), new Date(2026, 10, 29, 17, 30).getTime());
  assert.equal(nextTime("06:15", now), new Date(2026, 10, 30, 6, 15).getTime());
});

test("the list has the epics with their stories that can run, and is searched by words and numbers", () => {
  const ids = (/** @type {string} */ query) => rowsOf(PLAN, query, new Set()).map((row) => row.id);
  assert.deepEqual(ids(""), ["epic 1", "1-1-a", "1-2-b", "epic 2", "2-1-c"]);
  assert.deepEqual(ids("lists"), ["epic 2", "2-1-c"]);
  assert.deepEqual(ids("1-2, 2-1"), ["epic 1", "1-2-b", "epic 2", "2-1-c"]);
  assert.deepEqual(ids("nothing"), []);
  const [epic, chosen, waiting] = rowsOf(PLAN, "", new Set(["1-1-a"]));
  assert.deepEqual([epic.checked, epic.mixed, chosen.checked], [false, true, true]);
  assert.equal(waiting.note, "waits for 1-1-a");
});

test("what will run is said in its order, with what does not", () => {
  assert.equal(orderText({ cycles: [["1-1-a", "1-2-b"], ["2-1-c"]], waits: {} }), "Runs 1-1 + 1-2, 2-1.");
  assert.equal(
    orderText({ cycles: [], waits: { "1-2-b": "it is skipped" } }),
    "Nothing would run. Not 1-2: it is skipped.",
  );
  const many = Array.from({ length: 8 }, (_, number) => [`${number}-1-x`]);
  assert.match(orderText({ cycles: many, waits: {} }), /, then 2 more stories\.$/);
});
