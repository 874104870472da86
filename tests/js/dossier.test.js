// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { matchesFilter } from "../../static/board/board-filter.js";
import { advised } from "../../static/board/tracker-problems.js";
import { rowsOf } from "../../static/story/diff.js";

const STORY = /** @type {any} */ ({
  key: "1-2-login",
  epic: "1",
  title: "Log in",
  description: "With a password",
  status: "review",
  raw_status: "review",
  comment: "wait for Iris",
  standing: { tone: "info", words: "1 review: high" },
});
const ANY = { query: "", epic: "", status: "" };

test("the lines of a change are numbered on both sides", () => {
  const rows = rowsOf({
    old: 7,
    new: 9,
    title: "def a()",
    lines: [" same", "-old", "+new", "+more", "\\ No newline at end of file", " -x"],
  });
  assert.deepEqual(
    rows.map((row) => [row.kind, row.old, row.new, row.text]),
    [
      ["hunk", null, null, "def a()"],
      ["same", 7, 9, "same"],
      ["removed", 8, null, "old"],
      ["added", null, 10, "new"],
      ["added", null, 11, "more"],
      ["remark", null, null, "No newline at end of file"],
      ["same", 9, 12, "-x"],
    ],
  );
});

test("a filter finds words in any order, wherever a card or the file has them", () => {
  for (const query of ["", "log in", "password with", "iris", "1-2", "high"])
    assert.equal(matchesFilter(STORY, { ...ANY, query }), true, query);
  assert.equal(matchesFilter(STORY, { ...ANY, query: "log out" }), false);
  assert.equal(matchesFilter(STORY, { ...ANY, epic: "2" }), false);
  assert.equal(matchesFilter(STORY, { ...ANY, epic: "1", status: "review" }), true);
  assert.equal(matchesFilter(STORY, { ...ANY, status: "done" }), false);
});

test("what is wrong with the file comes with what to do about it", () => {
  const said = [
    "The key '1-1' occurs 2 times (lines 3, 4); the last one counts.",
    "The YAML cannot be parsed: mapping values.",
    "The file holds the marks of a merge conflict; resolve it.",
    "The file is UTF-16; save it as UTF-8.",
    "The file has no development_status block and no other schema that is known.",
    "This user may not write the file or its folder; it is only read.",
    "The file cannot be read: Permission denied.",
  ];
  for (const message of said) assert.notEqual(advised({ line: 1, message }).advice, "", message);
  assert.equal(advised({ line: null, message: "Something new." }).advice, "");
});
