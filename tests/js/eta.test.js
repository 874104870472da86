// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { estimate, LOOK_BACK, leftText, median, sourceText, timeOfStories } from "../../static/run/eta.js";

const MINUTE = 60_000;

/**
 * @param {string[]} story_keys
 * @param {number} from
 * @param {number | null} to
 * @param {boolean} [background] in minutes
 */
function command(story_keys, from, to, background = false) {
  return {
    story_keys,
    status: "success",
    background,
    started_at: from * MINUTE,
    ended_at: to === null ? null : to * MINUTE,
  };
}

test("a story's time is that of its commands: half of shared ones, running ones so far, background ones not", () => {
  const times = timeOfStories(
    [command(["a", "b"], 0, 4), command(["a"], 10, 13), command(["b"], 13, 99, true), command(["b"], 20, null)],
    21 * MINUTE,
  );
  assert.deepEqual(
    [...times],
    [
      ["a", 5 * MINUTE],
      ["b", 3 * MINUTE],
    ],
  );
});

test("without history nothing is said", () => assert.equal(estimate([], [0, 0]), null));

test("what is left is the usual time of each story, less what it has taken", () => {
  assert.deepEqual(estimate([10, 20, 30], [0, 5]), { left: 35, of: 3 });
  assert.deepEqual(estimate([10], []), { left: 0, of: 1 });
});

test("a story that takes longer than usual is still not over", () =>
  assert.deepEqual(estimate([100], [500]), { left: 10, of: 1 }));

test("only the newest stories count", () => {
  const past = [...Array.from({ length: LOOK_BACK }, () => 10), ...Array.from({ length: 50 }, () => 1000)];
  assert.deepEqual(estimate(past, [0]), { left: 10, of: LOOK_BACK });
});

test("the median is not moved by one story that went wild", () => {
  assert.equal(median([]), null);
  assert.equal(median([5, 1, 900]), 5);
  assert.equal(median([4, 2]), 3);
});

test("what is left, in words", () => {
  assert.equal(leftText(59_000), "less than a minute left");
  assert.equal(leftText(12.4 * MINUTE), "about 12 min left");
  assert.equal(leftText(60 * MINUTE), "about 1 h left");
  assert.equal(leftText(100 * MINUTE), "about 1 h 45 min left");
  assert.equal(leftText(119 * MINUTE), "about 2 h left");
  assert.equal(sourceText(8), "from the last 8 stories");
  assert.equal(sourceText(1), "from the one story so far");
});
