// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { summaryText } from "../../static/kit/cost-lines.js";
import { basisText, forecastText, rangeText } from "../../static/kit/forecast-text.js";
import { money } from "../../static/kit/format.js";

const AT = new Date(2026, 2, 1, 1, 0).getTime();
const HOUR = 3_600_000;

/** @param {object} [changes] @returns {import("../../static/kit/forecast-text.js").Forecast} */
function forecast(changes = {}) {
  return {
    at: AT,
    batch_id: null,
    stories: 9,
    story_keys: [],
    cost_usd: [11, 19.5],
    tokens: null,
    seconds: [4200, 9600],
    ends_at: [AT + HOUR, AT + 2 * HOUR],
    basis: { stories: 34, commands: [], defaults: false, text: "from 34 stories" },
    windows: [],
    notes: [],
    ...changes,
  };
}

test("a forecast says how many stories, what they cost and when they are done", () => {
  assert.equal(forecastText(forecast()), "9 stories: $11.00 to $19.50, done between 02:00 and 03:00");
  const [end] = forecast().ends_at;
  assert.equal(forecastText(forecast({ stories: 1, ends_at: [end, end] })), "1 story: $11.00 to $19.50, done at 02:00");
  assert.equal(forecastText(forecast({ stories: 0 })), "Nothing would run.");
});

test("an unknown cost is called unknown, with the tokens where they are known", () => {
  const words = "done between 02:00 and 03:00";
  assert.equal(forecastText(forecast({ cost_usd: null })), `9 stories: cost unknown, ${words}`);
  const tokens = forecastText(forecast({ cost_usd: null, tokens: [120_000, 240_000] }));
  assert.equal(tokens, `9 stories: cost unknown, 120k to 240k tokens, ${words}`);
});

test("what it rests on comes with the windows and the notes", () => {
  const window = { account: "claude", name: "5 h", left: 0.4, enough: 6, resets_at: null };
  const words = basisText(forecast({ windows: [window, { ...window, enough: null }], notes: ["Two lanes."] }));
  assert.equal(
    words,
    "In four of five cases; from 34 stories. The window 5 h of claude: enough for 6 of them. " +
      "The window 5 h of claude: 40 % left. Two lanes.",
  );
  assert.equal(rangeText([2, 2], money), "$2.00");
});

test("the largest lines of a cost are named, and what is unknown is no zero", () => {
  const line = {
    ...{ label: "Development", commands: 1, cost_usd: 2, estimated_usd: 0, unknown: 0, usual_usd: null },
    ...{ fresh_tokens: 0, cached_tokens: 0, written_tokens: 0, duration_ms: 0 },
  };
  const cost = { cost_usd: 2, estimated_usd: 0, unknown: 1, shared: 1, lines: [line], prompts: [] };
  assert.equal(
    summaryText(cost),
    "at least $2.00, most of it for development $2.00. 1 call for several stories counts in part.",
  );
  assert.equal(summaryText({ ...cost, cost_usd: null, shared: 0, lines: [{ ...line, cost_usd: null }] }), "unknown.");
});
