// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { extent, marks, rowsOf } from "../../static/span.js";

/** @param {number} id @param {string[]} keys @param {number} from @param {number | null} to @returns {any} */
function step(id, keys, from, to) {
  return { command_id: id, story_keys: keys, started_at: from, ended_at: to };
}

test("marks stand at round times, never more than there is room for", () => {
  assert.deepEqual(marks(1_000, 61_000, 6), { at: [10_000, 20_000, 30_000, 40_000, 50_000, 60_000], step: 10_000 });
  for (const length of [900, 45_000, 3_600_000, 90_000_000, 1e9]) assert.ok(marks(0, length, 8).at.length <= 9);
});

test("commands of a story that ran at the same time stand in lanes of their own", () => {
  const rows = rowsOf([step(1, ["a", "b"], 0, 10), step(2, ["a"], 5, 8), step(3, ["a"], 10, null)]);
  assert.deepEqual(rows.map((row) => [row.key, row.lanes, row.bars.map((bar) => bar.lane)]), [["a", 2, [0, 1, 0]], ["b", 1, [0]]]);
});

test("what still runs ends now", () => {
  assert.deepEqual(extent([step(1, ["a"], 5, 8), step(2, ["a"], 6, null)], 20), { from: 5, to: 20 });
  assert.deepEqual(extent([], 100_000), { from: 40_000, to: 100_000 });
});
