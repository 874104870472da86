// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { onTranscriptChange, transcriptChanged } from "../../static/story/transcript-signal.js";

test("a follower of a command is called once for many events, until there is no follower", () => {
  /** @type {string[]} */
  const received = [];
  let looks = true;
  onTranscriptChange(1, () => (received.push("one"), looks));
  onTranscriptChange(1, () => (received.push("too"), true));
  transcriptChanged([1, 1, 2]);
  assert.deepEqual(received, ["one", "too"]);
  looks = false;
  transcriptChanged([1]);
  transcriptChanged([1]);
  assert.deepEqual(received.slice(2), ["one", "too", "too"]);
});
