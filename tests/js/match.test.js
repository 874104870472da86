// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { best, queryWords, score } from "../../static/shell/match.js";

const NAMES = ["Pause the run", "Go to Board", "Theme: dark", "1-2 Import a spreadsheet", "Board of dark wood"];
/** @param {string} query */
const found = (query) => best(NAMES, (name) => name, query, 10);

test("nothing typed finds everything, in order", () => assert.deepEqual(found("  "), NAMES));
test("every word must be there, in any order", () => assert.deepEqual(found("dark board"), ["Board of dark wood"]));
test("beginnings come first", () => assert.deepEqual(found("board"), ["Board of dark wood", "Go to Board"]));
test("pieces and numbers are found", () =>
  assert.deepEqual([found("readsh"), found("1-2")], [["1-2 Import a spreadsheet"], ["1-2 Import a spreadsheet"]]));
test("signs are letters like any other", () => assert.equal(score("a (b) c*", queryWords("(b c*")) > 0, true));
test("no more than wanted", () => assert.equal(best(NAMES, (name) => name, "", 2).length, 2));
test("what is in the name comes before what is in other words for it", () => {
  const items = ["Settings", "Retry it"];
  const also = (/** @type {string} */ item) => (item === "Settings" ? "retry" : "");
  assert.deepEqual(
    best(items, (item) => item, "retry", 9, also),
    ["Retry it", "Settings"],
  );
});
