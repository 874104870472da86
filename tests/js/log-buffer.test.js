// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { isInRange, parseRange, rangeOf, rangeText } from "../../static/run/line-range.js";
import { CAPACITY, EVERYTHING, LogBuffer } from "../../static/run/log-buffer.js";
import { ERROR, INFO, toLogLine, WARNING } from "../../static/run/log-line.js";
import { command, sequence } from "./events.js";

/** @param {number} from @param {number} to */
function made(from, to) {
  const lines = [];
  for (let seq = from; seq <= to; seq += 1) {
    lines.push(
      toLogLine({
        type: "command:progress",
        payload: command(seq % 3, `1-${seq % 3}-x`, { message: `line ${seq}` }),
        timestamp: seq,
        seq,
        batch_id: 1,
      }),
    );
  }
  return lines;
}

test("the address names a line, or a range in whichever order", () => {
  assert.deepEqual(parseRange("12"), { first: 12, last: 12 });
  assert.deepEqual(parseRange("20-12"), { first: 12, last: 20 });
  for (const words of [null, "", "-", "12-", "-12", "0", "1-2-3", "1-x", "1.5-3"])
    assert.equal(parseRange(words), null);
  assert.equal(rangeText(rangeOf(20, 12)), "12-20");
  assert.equal(rangeText(rangeOf(12, 12)), "12");
  const range = rangeOf(12, 20);
  assert.deepEqual(
    [11, 12, 20, 21].map((seq) => isInRange(range, seq)),
    [false, true, true, false],
  );
});

test("a range of lines holds those that the filter leaves", () => {
  const lines = new LogBuffer();
  lines.reset(made(1, 30));
  assert.deepEqual(
    lines.between({ first: 29, last: 99 }).map(({ seq }) => seq),
    [29, 30],
  );
  lines.setFilter({ ...EVERYTHING, story: "1-2-x" });
  assert.deepEqual(
    lines.between({ first: 4, last: 9 }).map(({ seq }) => seq),
    [5, 8],
  );
});

test("a line says what an event means", () => {
  const event = sequence();
  const end = toLogLine(
    event(
      "command:end",
      command(1, "1-1-a", {
        command: "code-review-2",
        status: "success",
        verdict: "ZERO ISSUES",
        metrics: { duration_ms: 12_000, cost_usd: 0.5, output_tokens: 2000 },
      }),
    ),
  );
  assert.equal(end.message, "code review 2 ended: ZERO ISSUES · 12 s · 2k tokens · $0.50");
  assert.equal(end.level, INFO);
  assert.equal(toLogLine(event("command:end", command(1, "1-1-a", { status: "timeout" }))).level, ERROR);
  const blocked = toLogLine(event("command:end", command(1, "1-1-a", { status: "success", verdict: "blocked" })));
  assert.deepEqual([blocked.status, blocked.level], ["blocked", WARNING]);
  assert.equal(
    toLogLine(event("command:progress", command(1, "1-1-a", { kind: "denied", message: "no" }))).level,
    WARNING,
  );
  assert.equal(
    toLogLine(event("story:status", { story_key: "1-1-a", old_status: "review", new_status: "done" })).message,
    "review → done",
  );
  assert.equal(
    toLogLine(event("batch:warning", { batch_id: 1, warning_type: "pausing", message: "soon" })).level,
    INFO,
  );
  assert.equal(toLogLine(event("weather:rain", { message: "wet" })).message, "wet");
});

test("what works for several stories is found under each of them", () => {
  const event = sequence();
  const lines = new LogBuffer();
  lines.append([
    toLogLine(event("cycle:start", { cycle_number: 1, story_keys: ["1-1-a", "1-2-b"] })),
    toLogLine(event("command:progress", command(1, "1-1-a", { command: "commit", story_keys: ["1-1-a", "1-2-b"] }))),
    toLogLine(event("command:start", command(2, "1-1-a", { story_keys: ["1-1-a"] }))),
  ]);
  lines.setFilter({ ...EVERYTHING, story: "1-2-b" });
  assert.deepEqual(
    lines.view.map((line) => line.seq),
    [1, 2],
  );
  lines.setFilter({ ...EVERYTHING, story: "1-1-a" });
  assert.equal(lines.view.length, 3);
});

test("a filter leaves what matches, also of lines that come later", () => {
  const lines = new LogBuffer();
  lines.append(made(1, 30));
  lines.setFilter({ ...EVERYTHING, story: "1-1-x" });
  assert.equal(lines.view.length, 10);
  lines.append(made(31, 33));
  assert.equal(lines.view.length, 11);
  lines.setFilter({ ...EVERYTHING, query: "line 33" });
  assert.deepEqual(
    lines.view.map((line) => line.seq),
    [33],
  );
  lines.setFilter(EVERYTHING);
  assert.equal(lines.view, lines.all);
});

test("older lines go in front and say how many rows that made", () => {
  const lines = new LogBuffer();
  lines.append(made(101, 110));
  assert.equal(lines.prepend(made(1, 100)), 100);
  assert.equal(lines.view[0].seq, 1);
  lines.setFilter({ ...EVERYTHING, query: "line 20" });
  assert.equal(lines.rowOf(20), 0);
});

test("the store is bounded, and looser while it is read", () => {
  const lines = new LogBuffer();
  lines.append(made(1, CAPACITY + 6_000));
  assert.equal(lines.trim(true), 0);
  assert.equal(lines.trim(false), 6_000);
  assert.equal(lines.all.length, CAPACITY);
  assert.equal(lines.view, lines.all);
});

test("a filter may look at a few lines at a time, newest first, while others come and go", () => {
  const lines = new LogBuffer();
  lines.append(made(1001, 2000));
  lines.setFilter({ ...EVERYTHING, query: "line" }, 100);
  assert.deepEqual([lines.pending, lines.view.length, lines.view[0].seq], [900, 100, 1901]);
  lines.append(made(2001, 2010));
  assert.equal(lines.prepend(made(991, 1000)), 0);
  assert.equal(lines.examine(10), 10);
  assert.equal(lines.examine(Infinity), 900);
  assert.deepEqual([lines.pending, lines.view.length, lines.view[0].seq, lines.view.at(-1)?.seq], [0, 1020, 991, 2010]);
  assert.equal(lines.examine(10), 0);
});

test("lines that are dropped need not be looked at any more", () => {
  const lines = new LogBuffer();
  lines.append(made(1, CAPACITY + 6_000));
  lines.setFilter({ ...EVERYTHING, query: "line" }, 1_000);
  lines.trim(false);
  assert.equal(lines.pending, CAPACITY - 1_000);
  lines.examine(Infinity);
  assert.equal(lines.view.length, CAPACITY);
});

test("what is found further up stays above what is loaded, each line once", () => {
  const lines = new LogBuffer();
  lines.append(made(101, 130));
  lines.setFilter({ ...EVERYTHING, query: "line" });
  lines.putFound([...made(5, 5), ...made(90, 91)]);
  const seqs = () => lines.view.map((line) => line.seq);
  assert.deepEqual(seqs().slice(0, 4), [5, 90, 91, 101]);
  assert.equal(lines.rowOf(90), 1);
  assert.equal(lines.prepend(made(81, 100)), 18);
  assert.deepEqual([lines.found, ...seqs().slice(0, 3)], [1, 5, 81, 82]);
  lines.append(made(131, 131));
  assert.equal(seqs().at(-1), 131);
  lines.setFilter(EVERYTHING);
  assert.deepEqual([lines.found, lines.view.length], [0, 51]);
  lines.putFound(made(1, 1));
  assert.equal(lines.view.length, 51);
});

test("words of a search are found in any order", () => {
  const lines = new LogBuffer();
  lines.append(made(1, 12));
  lines.setFilter({ ...EVERYTHING, query: "12 line" });
  assert.equal(lines.view.length, 1);
});
