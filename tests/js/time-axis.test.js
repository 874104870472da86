// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { Axis, axisMarks, extent, marks, pieces, rowsOf } from "../../static/kit/time-axis.js";
import { groupsOf, lanesOf } from "../../static/timeline/lanes.js";
import { outcomeOf } from "../../static/timeline/outcome.js";

/** @param {number} id @param {string[]} keys @param {number} from @param {number | null} to @returns {any} */
function command(id, keys, from, to) {
  return { command_id: id, story_keys: keys, started_at: from, ended_at: to };
}

test("marks are at round times, never more than there is room for", () => {
  assert.deepEqual(marks(1_000, 61_000, 6), { at: [10_000, 20_000, 30_000, 40_000, 50_000, 60_000], step: 10_000 });
  for (const length of [900, 45_000, 3_600_000, 90_000_000, 1e9]) assert.ok(marks(0, length, 8).at.length <= 9);
});

test("commands of a story that ran at the same time get slots of their own", () => {
  const rows = rowsOf([command(1, ["a", "b"], 0, 10), command(2, ["a"], 5, 8), command(3, ["a"], 10, null)]);
  assert.deepEqual(
    rows.map((row) => [row.key, row.slots, row.bars.map((bar) => bar.slot)]),
    [
      ["a", 2, [0, 1, 0]],
      ["b", 1, [0]],
    ],
  );
});

test("what still runs ends now", () => {
  assert.deepEqual(extent([command(1, ["a"], 5, 8), command(2, ["a"], 6, null)], 20), { from: 5, to: 20 });
  assert.deepEqual(extent([], 100_000), { from: 40_000, to: 100_000 });
});

test("long idle times are cut short, short ones are not, and every instant has one place", () => {
  const commands = [
    command(1, ["a"], 0, 60_000),
    command(2, ["a"], 62_000, 100_000),
    command(3, ["a"], 7_300_000, 7_360_000),
  ];
  const axis = new Axis(commands, 9_000_000, true);
  assert.deepEqual(
    axis.gaps.map(({ from, to }) => [from, to]),
    [[100_000, 7_300_000]],
  );
  assert.ok(axis.length < 200_000, String(axis.length));
  assert.equal(new Axis(commands, 9_000_000, false).length, 7_360_000);
  let before = -1;
  for (let at = 0; at <= 7_360_000; at += 20_000) {
    const place = axis.place(at);
    assert.ok(place > before);
    assert.ok(Math.abs(axis.instant(place) - at) < 1, `${at}`);
    before = place;
  }
});

test("the axis ends a little after now while something runs, and at the last end when nothing does", () => {
  assert.ok(new Axis([command(1, ["a"], 0, null)], 100_000, true).to > 110_000);
  assert.equal(new Axis([command(1, ["a"], 0, 50_000)], 100_000, true).to, 50_000);
  assert.ok(new Axis([], 100_000, true).length > 0);
});

test("no mark is inside an idle time that was cut", () => {
  const axis = new Axis([command(1, ["a"], 0, 60_000), command(2, ["a"], 7_260_000, 7_320_000)], 0, true);
  const { at } = axisMarks(axis, 0, 7_320_000, 10_000);
  assert.ok(at.length >= 10);
  assert.ok(
    at.every((mark) => mark <= 60_000 || mark >= 7_260_000),
    String(at),
  );
});

test("bars too small to distinguish become one, a chosen one and a running one stay alone", () => {
  const many = Array.from({ length: 1000 }, (_, index) => command(index, ["a"], index * 10, index * 10 + 9));
  const [row] = rowsOf([...many, command(1000, ["a"], 10_000, null)]);
  const view = { left: 0, right: 500, least: 5 };
  const x = (/** @type {number} */ at) => at / 25;
  const drawn = pieces(row, x, 12_000, view, 500);
  assert.ok(drawn.length < 60, String(drawn.length));
  assert.equal(
    drawn.reduce((sum, piece) => sum + piece.bars.length, 0),
    1001,
  );
  for (const id of [500, 1000])
    assert.equal(drawn.find((piece) => piece.bars.some((bar) => bar.command.command_id === id))?.bars.length, 1);
  assert.ok(pieces(row, x, 12_000, { ...view, left: 200, right: 220 }, null).length < 8);
});

test("cycles that ran at the same time are lanes, those in turn are none", () => {
  const cycles = (/** @type {[number, string, number, number | null][]} */ rows) =>
    [...lanesOf(rows.map(([cycle, key, from, to]) => ({ ...command(1, [key], from, to), cycle })))].flat();
  assert.deepEqual(
    cycles([
      [1, "a", 0, 10],
      [2, "b", 10, 20],
      [3, "c", 20, null],
    ]),
    [],
  );
  assert.deepEqual(
    cycles([
      [1, "a", 0, 10],
      [2, "b", 2, 20],
      [3, "c", 12, null],
    ]),
    ["a", 1, "b", 2, "c", 1],
  );
});

test("a call that succeeded is a failure where its story was blocked with it", () => {
  const outcome = (/** @type {Record<string, string>} */ fields) =>
    outcomeOf({ ...command(1, ["a"], 0, 1), status: "success", verdict: "", ...fields });
  assert.equal(outcome({ verdict: "complete" }), "success");
  assert.equal(outcome({ verdict: "blocked" }), "failed");
  assert.equal(outcome({ verdict: "HIGH", blocked: "three rounds" }), "failed");
  assert.deepEqual([outcome({ status: "question" }), outcome({ status: "interrupted" })], ["waiting", "stopped"]);
});

test("where workers took part, the groups are machines; a story is with the one that had it last", () => {
  const on = (/** @type {string} */ key, /** @type {string | null} */ machine, agent = "demo") =>
    /** @type {any} */ ({ ...command(1, [key], 0, 10), machine, agent });
  const { of, names } = groupsOf([
    on("a", "laptop"),
    on("a", "desktop"),
    on("a", null, "runner"),
    on("b", "laptop"),
    on("c", null),
  ]);
  assert.deepEqual(names, ["desktop", "laptop", "This machine"]);
  assert.deepEqual(Object.fromEntries(of), { a: 1, b: 2, c: 3 });
  assert.deepEqual(groupsOf([on("a", null), on("b", null)]).names, []);
});
