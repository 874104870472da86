// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatLine,
  groupTable,
  MEASURES,
  percent,
  roundsOf,
  sorted,
  success,
} from "../../static/insights/measures.js";
import { groupDays } from "../../static/insights/period.js";
import { summary } from "../../static/insights/summary.js";

/** @param {string} name @param {Record<string, number>} fields @returns {any} */
function line(name, fields = {}) {
  return {
    name,
    commands: 2,
    succeeded: 2,
    failed: 0,
    held: 0,
    running: 0,
    duration_ms: 1000,
    input_tokens: 1,
    output_tokens: 2,
    cache_read_tokens: 3,
    cache_write_tokens: 4,
    cost_usd: 0.5,
    estimated_usd: 0,
    commands_without_cost: 0,
    commands_without_tokens: 0,
    ...fields,
  };
}

test("what is not all is never shown as all, what is not none never as none", () => {
  assert.deepEqual([1, 0.999, 0.5, 0.001, 0, null].map(percent), ["100 %", "99 %", "50 %", "1 %", "0 %", "–"]);
});

test("stopped commands count neither as success nor as failure", () => {
  assert.equal(success(line("dev", { succeeded: 3, failed: 1, held: 5 })), 0.75);
  assert.equal(success(line("dev", { succeeded: 0, failed: 0, held: 5 })), null);
});

test("days and batches are in their order, everything else by size", () => {
  const lines = [line("10", { cost_usd: 9 }), line("9", { cost_usd: 1 }), line("2", { cost_usd: 5 })];
  const names = (/** @type {string} */ group) => sorted(group, lines, MEASURES.cost).map(({ name }) => name);
  assert.deepEqual(names("batch"), ["2", "9", "10"]);
  assert.deepEqual(names("story"), ["10", "2", "9"]);
});

test("a table has the numbers of the groups, for people and as they are", () => {
  const table = groupTable(
    "Story",
    "story",
    [line("1-2-login", { cost_usd: 0.123456, estimated_usd: 0.1 })],
    line("all"),
    () => "Log in",
  );
  assert.deepEqual(table.rows[0].cells.slice(0, 2), ["1-2 Log in", "2"]);
  assert.deepEqual(table.rows[0].cells.slice(-4, -2), ["$0.1235", "$0.10"]);
  assert.deepEqual([table.rows[0].raw[0], table.rows[0].raw.at(-4)], ["1-2-login", 0.123456]);
  assert.deepEqual(table.names.slice(-4, -2), ["cost_usd", "estimated_usd"]);
  assert.equal(formatLine(MEASURES.cost, line("x", { estimated_usd: 0.02 })), "≈$0.50");
  assert.equal(table.foot?.[0], "All");
});

test("every round has the letter of its verdict", () => {
  assert.deepEqual(
    roundsOf("HIGH, ZERO ISSUES").map(({ letter }) => letter),
    ["H", "✓"],
  );
  assert.deepEqual(
    roundsOf("CRITICAL, odd").map(({ letter }) => letter),
    ["C", "?"],
  );
  assert.deepEqual(roundsOf(""), []);
});

test("an empty project comes to nothing, one story's cost is that of the stories done", () => {
  /** @type {any} */
  const none = { total: [], burn_up: { points: [] }, review_rounds: [] };
  assert.deepEqual(summary(none), []);
  const points = [{ story_key: "a" }, { story_key: "b" }, { story_key: "a" }];
  assert.equal(
    summary({ ...none, total: [line("all")], burn_up: { points } })[0].note,
    "$0.25 for each of 2 stories done",
  );
});

test("figures stand beside those before, and what was not reported is unknown", () => {
  /** @type {any} */
  const answer = {
    total: [line("all", { cost_usd: 1 })],
    burn_up: { points: [] },
    review_rounds: [{ story_key: "a", rounds: 3, verdicts: "" }],
    before: { total: [line("all", { duration_ms: 500 })], stories_done: 0, review_rounds: 4, reviewed: 2 },
  };
  assert.deepEqual(
    summary(answer).map(({ before }) => before),
    ["+100 % from $0.50", "the same from 10", "+100 % from 0.5 s", "100 % before", "+50 % from 2"],
  );
  answer.before.total = [line("all", { cost_usd: 0, commands_without_cost: 2 })];
  assert.equal(summary(answer)[0].before, "unknown before");
  const unreported = { cost_usd: 0, commands_without_cost: 1, output_tokens: 0, commands_without_tokens: 1 };
  const table = groupTable("Model", "model", [line("big", unreported)], undefined, String);
  assert.deepEqual([table.rows[0].cells[8], table.rows[0].cells[11]], ["unknown", "unknown"]);
  assert.deepEqual([table.rows[0].raw[8], table.rows[0].raw[11]], ["", ""]);
  assert.equal(formatLine(MEASURES.cost, line("x", { commands_without_cost: 1 })), "at least $0.50");
});

test("many days are joined from the last one on", () => {
  const days = Array.from({ length: 15 }, (_, index) => `d${index}`);
  assert.deepEqual(
    groupDays(days, 20).map((group) => group.length),
    days.map(() => 1),
  );
  assert.deepEqual(
    groupDays(days, 14).map((group) => group.length),
    [1, 7, 7],
  );
});
