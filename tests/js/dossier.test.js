// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { matchesFilter } from "../../static/board/board-filter.js";
import { advised } from "../../static/board/tracker-problems.js";
import { rowsOf } from "../../static/story/diff-lines.js";
import { languageOf, tokensOf } from "../../static/story/syntax.js";
import { wordDiff } from "../../static/story/word-diff.js";

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

/** @param {string} before @param {string} after the words that are others, of each */
function others(before, after) {
  const found = wordDiff(before, after);
  return [found.old.map((span) => before.slice(...span)), found.new.map((span) => after.slice(...span))];
}

test("of a changed line only the words that are others are marked", () => {
  assert.deepEqual(others("return day", "return day"), [[], []]);
  assert.deepEqual(others("def parse(text: str)", "def parse(text: str, today: date)"), [[], [", today: date"]]);
  assert.deepEqual(others("const a = old(1, 2);", "let a = now(1, 3);"), [
    ["const", "old", "2"],
    ["let", "now", "3"],
  ]);
  assert.deepEqual(others("größe = klein", "größe = groß"), [["klein"], ["groß"]]);
  assert.deepEqual(others("nothing of it is left", "{}"), [[], []]);
  const long = "word ".repeat(400);
  assert.deepEqual(others(`${long}a ${long}`, `${long}b ${long}`), [["a"], ["b"]]);
});

/** @param {string} path @param {string[]} lines what is coloured in them */
function coloured(path, lines) {
  let open = "";
  return lines.map((line) => {
    const found = tokensOf(line, /** @type {any} */ (languageOf(path)), open);
    open = found.open;
    return found.tokens.map(({ kind, from, to }) => `${kind} ${line.slice(from, to)}`);
  });
}

test("comments, strings, keywords and numbers of common languages are known", () => {
  assert.deepEqual(
    coloured("src/a.py", ["def f(x):  # why", "    s = 'a # b'", '    """doc', "more", 'end""" + 3.5']),
    [
      ["keyword def", "comment # why"],
      ["string 'a # b'"],
      ['string """doc'],
      ["string more"],
      ['string end"""', "number 3.5"],
    ],
  );
  assert.deepEqual(coloured("a.ts", ['const x = "a\\"b"; // c', "/* open", "close */ return 1", "`a", "b` if"]), [
    ["keyword const", 'string "a\\"b"', "comment // c"],
    ["comment /* open"],
    ["comment close */", "keyword return", "number 1"],
    ["string `a"],
    ["string b`", "keyword if"],
  ]);
  assert.deepEqual(coloured("q.sql", ["SELECT a -- all"]), [["keyword SELECT", "comment -- all"]]);
  assert.deepEqual(coloured("x.yaml", ["url: http://x#y # z", "on: true"]), [
    ["comment # z"],
    ["keyword on", "keyword true"],
  ]);
  assert.deepEqual(coloured("i.html", ["<!-- a", '--> <p id="b">']), [
    ["comment <!-- a"],
    ["comment -->", 'string "b"'],
  ]);
  for (const name of ["README", "notes.txt", "a.unknown"]) assert.equal(languageOf(name), null);
  assert.deepEqual(coloured("a.js", ["'never closed"]), [["string 'never closed"]]);
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
