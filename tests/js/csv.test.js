// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { cell, toCsv } from "../../static/kit/csv.js";

test("no text becomes a formula, numbers stay numbers", () => {
  for (const text of ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"])
    assert.match(cell(text), /^"?'/, text);
  for (const value of [0, -4.25, 1e21]) assert.equal(cell(value), String(value));
  assert.equal(cell("code-review"), "code-review");
  assert.equal(cell("1-2-login"), "1-2-login");
  assert.equal(cell(Number.NaN), "");
  assert.equal(cell(null), "");
});

test("quotes, commas and line ends are quoted as RFC 4180 says", () => {
  assert.equal(
    toCsv(
      ["a", "b"],
      [
        ['say "x"', "1,2"],
        ["two\nlines", 3],
      ],
    ),
    'a,b\r\n"say ""x""","1,2"\r\n"two\nlines",3\r\n',
  );
  assert.equal(cell('=HYPERLINK("x")'), '"\'=HYPERLINK(""x"")"');
});
