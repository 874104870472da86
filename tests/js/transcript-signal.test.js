// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { follow, heard } from "../../static/story/transcript-signal.js";

test("who follows a command hears of it, once for many events, until nobody looks", () => {
  /** @type {string[]} */
  const told = [];
  let looks = true;
  follow(1, () => (told.push("one"), looks));
  follow(1, () => (told.push("too"), true));
  heard([1, 1, 2]);
  assert.deepEqual(told, ["one", "too"]);
  looks = false;
  heard([1]);
  heard([1]);
  assert.deepEqual(told.slice(2), ["one", "too", "too"]);
});
