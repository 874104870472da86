// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { differenceText } from "../../static/kit/difference.js";

test("a difference in percent, as a multiple, or not at all", () => {
  const cases = [
    [10, 11, "+10 %"],
    [10, 8, "−20 %"],
    [10, 10, "the same"],
    [1000, 1001, "<+1 %"],
    [1000, 999, "<−1 %"],
    [10000, 1, "−99 %"],
    [10, 0, "−100 %"],
    [1, 25, "25 times"],
    [0, 5, ""],
    [null, 5, ""],
    [5, null, ""],
  ];
  for (const [before, now, words] of cases) assert.equal(differenceText(before, now), words, `${before} to ${now}`);
});
