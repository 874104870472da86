// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { hasTerms, placesOf, termsOf } from "../../static/kit/search-terms.js";

/** @param {string} query @param {string} text */
const found = (query, text) => hasTerms(text.toLowerCase(), termsOf(query));

test("words are found in any order, also within words", () => {
  assert.deepEqual(
    [found("user get", "getUserName"), found("user set", "getUserName"), found("", "anything")],
    [true, false, true],
  );
});
test("a phrase is found as it is", () => {
  assert.deepEqual([found('"a b" c', "c a b"), found('"a b"', "b a"), found('"open a', "open a")], [true, false, true]);
});
test("a star wants the beginning of a word", () => {
  assert.deepEqual([found("name*", "user_name"), found("na*", "user name"), found("*", "2 * 3")], [false, true, true]);
});
test("places are in order and joined", () => {
  assert.deepEqual(placesOf("abcd ab", termsOf("bcd ab")), [
    [0, 4],
    [5, 7],
  ]);
});
