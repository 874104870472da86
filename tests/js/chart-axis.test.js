// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { days, fit, natural, ticks } from "../../static/kit/chart-axis.js";

test("an axis begins at zero, ends at or above the largest value and counts in round numbers", () => {
  assert.deepEqual(ticks(4.25, 4), [0, 2, 4, 6]);
  assert.deepEqual(ticks(37, 4, 1), [0, 10, 20, 30, 40]);
  assert.deepEqual(ticks(3, 5, 1), [0, 1, 2, 3]);
  assert.deepEqual(ticks(0.03, 3), [0, 0.01, 0.02, 0.03]);
  for (const most of [0.0001, 0.7, 1, 9.99, 1234.5, 5e8]) {
    const axis = ticks(most, 4);
    assert.equal(axis[0], 0);
    assert.ok(axis[axis.length - 1] >= most && axis.length <= 7, String(axis));
  }
});

test("things that are counted have no halves", () => {
  for (const most of [0, 1, 2, 7, 13, 250]) for (const mark of ticks(most, 5, 1)) assert.equal(mark, Math.round(mark));
});

test("every day has its place, over the ends of months and the change of clocks", () => {
  assert.deepEqual(days("2026-02-27", "2026-03-02"), ["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"]);
  assert.equal(days("2026-01-01", "2026-12-31").length, 365);
});

test("names are cut where there is no room, and come in the order in which people count", () => {
  assert.equal(fit("1-1 Friendly dates", 60, 6), "1-1 Frien…");
  assert.equal(fit("short", 60, 6), "short");
  assert.deepEqual(["10", "9", "1", "2a", "2"].sort(natural), ["1", "2", "2a", "9", "10"]);
});
