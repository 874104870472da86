// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { onTranscriptChange, transcriptChanged } from "../../static/story/transcript-signal.js";

test("who follows a command hears of it, once for many events, until nobody looks", () => {
  /** @type {string[]} */
  const told = [];
  let looks = true;
  onTranscriptChange(1, () => (told.push("one"), looks));
  onTranscriptChange(1, () => (told.push("too"), true));
  transcriptChanged([1, 1, 2]);
  assert.deepEqual(told, ["one", "too"]);
  looks = false;
  transcriptChanged([1]);
  transcriptChanged([1]);
  assert.deepEqual(told.slice(2), ["one", "too", "too"]);
});
