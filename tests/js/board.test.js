// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { sorted } from "../../static/board/board-sort.js";
import { defaultFolds, SMALL } from "../../static/board/folds.js";

/** @param {string} id @param {Partial<import("../../static/board/folds.js").Group>} [more] */
const group = (id, more) => ({ id, done: false, busy: false, count: 10, ...more });

test("of a small board only what is done is folded, of a large one also what has not begun", () => {
  const small = [group("1"), group("2", { busy: true }), group("3", { done: true })];
  assert.deepEqual([...defaultFolds(small)], ["3"]);
  const large = [group("1"), group("2"), group("3", { busy: true }), group("4", { count: SMALL, done: true })];
  assert.deepEqual([...defaultFolds(large)], ["1", "2", "4"]);
  assert.deepEqual([...defaultFolds([group("1", { count: SMALL }), group("2")])], ["2"]);
  const busy = Array.from({ length: 6 }, (_, place) => group(String(place), { busy: true, count: 20 }));
  assert.deepEqual([...defaultFolds(busy)], ["4", "5"]);
});

test("cards are sorted, and equal ones keep their order", () => {
  const card = (/** @type {any} */ story) =>
    /** @type {any} */ ({ story: { key: story.title, tasks: null, ...story } });
  const cards = [
    card({ title: "b10", status: "done", standing: { tone: "warn" } }),
    card({ title: "b9", status: "blocked", tasks: { done: 1, total: 2 } }),
    card({ title: "a", status: "backlog" }),
  ];
  const titles = (/** @type {string} */ order) => sorted(cards, order).map(({ story }) => story.title);
  assert.deepEqual(titles(""), ["b10", "b9", "a"]);
  assert.deepEqual(titles("title"), ["a", "b9", "b10"]);
  assert.deepEqual(titles("status"), ["a", "b10", "b9"]);
  assert.deepEqual(titles("problems"), ["b9", "b10", "a"]);
  assert.deepEqual(titles("tasks"), ["b9", "b10", "a"]);
});
