// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import * as format from "../../static/kit/format.js";

const MINUTE = 60_000;

/** @type {[string, (value: any) => string, [any, string][]][]} */
const TABLES = [
  [
    "tokens",
    format.tokens,
    [
      [0, "0"],
      [999, "999"],
      [1000, "1k"],
      [12_345, "12.3k"],
      [458_120, "458k"],
      [999_949, "1,000k"],
      [999_950, "1M"],
      [1_234_567, "1.2M"],
      [null, "unknown"],
    ],
  ],
  [
    "money",
    format.money,
    [
      [0, "$0.00"],
      [0.004, "<$0.01"],
      [0.005, "$0.01"],
      [12.345, "$12.35"],
      [1234.5, "$1,235"],
      [undefined, "unknown"],
    ],
  ],
  [
    "money in part estimated",
    (usd) => format.money(usd, 0.2),
    [
      [0.5, "≈$0.50"],
      [1234.5, "≈$1,235"],
      [0.004, "<$0.01"],
      [undefined, "unknown"],
    ],
  ],
  ["money as good as reported", (usd) => format.money(usd, 0.004), [[0.5, "$0.50"]]],
  [
    "stopwatch",
    format.stopwatch,
    [
      [-5, "0:00"],
      [7_900, "0:07"],
      [61_000, "1:01"],
      [3_723_000, "1:02:03"],
    ],
  ],
  [
    "duration",
    format.duration,
    [
      [400, "0.4 s"],
      [8_000, "8 s"],
      [8_049, "8 s"],
      [0, "0 s"],
      [9_900, "9.9 s"],
      [12_000, "12 s"],
      [3 * MINUTE + 5_000, "3 min 5 s"],
      [124 * MINUTE, "2 h 4 min"],
      [null, "–"],
    ],
  ],
  [
    "shortKey",
    format.shortKey,
    [
      ["1-2-user-login", "1-2"],
      ["2a-10-x", "2a-10"],
      ["1-2a-x", "1-2a"],
      ["1-2", "1-2"],
      ["PROJ-17", "PROJ-17"],
      ["spike", "spike"],
    ],
  ],
  [
    "shortCommand",
    format.shortCommand,
    [
      ["create-story", "create"],
      ["code-review-10", "code review 10"],
      ["story-review-1", "story review 1"],
      ["commit", "commit"],
      ["build-auto", "build auto"],
    ],
  ],
  [
    "statusText",
    format.statusText,
    [
      ["ready-for-dev", "Ready for dev"],
      ["someday", "someday"],
      [null, "Not started"],
    ],
  ],
];

for (const [name, format, rows] of TABLES) {
  for (const [value, expected] of rows) {
    test(`${name} of ${JSON.stringify(value)} is ${expected}`, () => assert.equal(format(value), expected));
  }
}

test("what remains counts down in the unit that matters", () => {
  assert.equal(format.remaining(12 * MINUTE, 0), "in 12 min");
  assert.equal(format.remaining(12 * MINUTE, 11 * MINUTE + 30_000), "in 30 s");
  assert.equal(format.remaining(90 * MINUTE, 0), "in 1 h 30 min");
  assert.equal(format.remaining(1, 2), "now");
});

test("a clock time says its day when that is not today", () => {
  const now = new Date(2026, 0, 24, 12, 0).getTime();
  assert.equal(format.hourMinute(now - 60 * MINUTE, now), "11:00");
  assert.match(format.hourMinute(now - 24 * 60 * MINUTE, now), /^23 Jan 2026 12:00$/);
});

test("plurals", () => {
  assert.equal(format.plural(1, "story", "stories"), "1 story");
  assert.equal(format.plural(1200, "line"), "1,200 lines");
});

test("a sum says which part of it no agent has reported", () => {
  assert.equal(format.partialSum("$0.00", 0, 2), "unknown");
  assert.equal(format.partialSum("$0.40", 0.4, 1), "at least $0.40");
  assert.equal(format.partialSum("$0.00", 0, 0), "$0.00");
});

test("a time of day is as the reader's language has it", () => {
  const at = (/** @type {number} */ hours) => new Date(2026, 0, 24, hours, 5, 7);
  assert.deepEqual(
    [0, 9, 12, 21].map((hours) => format.timeOfDay(at(hours), true, true)),
    ["12:05:07\u00a0AM", "9:05:07\u00a0AM", "12:05:07\u00a0PM", "9:05:07\u00a0PM"],
  );
  assert.equal(format.timeOfDay(at(9), false, true), "9:05\u00a0AM");
  assert.equal(format.timeOfDay(at(9), false, false), "09:05");
});
