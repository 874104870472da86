// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { Recording } from "../../static/history/recording.js";
import { apply } from "../../static/state.js";
import { initial } from "../../static/state-initial.js";
import { command, START, sequence } from "./events.js";

/** A batch of 2,600 events in which one story moves through its statuses. */
function batch() {
  const event = sequence();
  const events = [event("batch:start", { batch_id: 1, max_cycles: 1 }), event("command:start", command(1, "1-1-a"))];
  for (let n = 0; n < 2595; n += 1) events.push(event("command:progress", command(1, "1-1-a", { message: `${n}` })));
  events.push(event("story:status", { story_key: "1-1-a", old_status: "backlog", new_status: "review" }));
  events.push(event("story:status", { story_key: "1-1-a", old_status: "review", new_status: "done" }));
  events.push(event("batch:end", { batch_id: 1, cycles_completed: 1, status: "completed" }));
  return events;
}

test("any moment of a recording is what the fold gives, forward and backward", () => {
  const events = batch();
  const recording = new Recording(events, {});
  for (const index of [0, 1, 2600, 1500, 999, 1000, 2599, 3]) {
    assert.deepEqual(recording.at(index).run, events.slice(0, index).reduce(apply, initial()), `after ${index} events`);
  }
});

test("a time is found among the events", () => {
  const recording = new Recording(batch(), {});
  assert.equal(recording.indexAt(START), 0);
  assert.equal(recording.indexAt(recording.start), 1);
  assert.equal(recording.indexAt(recording.end), 2600);
  assert.equal(recording.indexAt(recording.start + 1500), 2);
});

test("a story has the status it had then, also before its first change", () => {
  const recording = new Recording(batch(), {});
  assert.deepEqual(
    [10, 2598, 2600].map((index) => recording.statusesAt(index).get("1-1-a")?.status),
    ["backlog", "review", "done"],
  );
});

test("a moment is found by its number, and the moments that matter from one to the next", () => {
  const events = batch();
  const recording = new Recording(events, {});
  assert.equal(recording.indexOf(events[41].seq), 42);
  assert.equal(recording.indexOf(10 ** 9), events.length);
  const on = [0];
  while (on[on.length - 1] < events.length) on.push(recording.landmark(on[on.length - 1], 1));
  assert.deepEqual(on, [0, 1, 2598, 2599, 2600]);
  const back = [2600];
  while (back[back.length - 1] > 0) back.push(recording.landmark(back[back.length - 1], -1));
  assert.deepEqual(back, [2600, 2599, 2598, 1, 0]);
});
