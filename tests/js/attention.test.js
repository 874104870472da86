// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { attentionItems } from "../../static/run/attention-items.js";
import { decisionLabel, readComments, refusalOf } from "../../static/run/gate-form.js";
import { notificationText } from "../../static/shell/desktop-notifications.js";
import { NO_PLAN, overlay } from "../../static/shell/plan.js";
import { apply } from "../../static/state.js";
import { initial } from "../../static/state-initial.js";

const NOW = 1_700_000_000_000;

/** @param {string} kind @param {string | null} story_key @param {number | null} [command_id] */
const call = (kind, story_key, command_id = null) => ({
  kind,
  message: `${kind} of ${story_key}`,
  story_key,
  command_id,
  at: NOW,
  gate_id: null,
  decisions: [],
});

/** @param {string} status of the story 1-1-a */
const planned = (status) =>
  overlay(
    /** @type {any} */ ({ project: { writable: true }, stories: [{ key: "1-1-a", status, runnable: false }] }),
    new Map(),
  );

/**
 * @param {Partial<import("../../static/state.js").RunState>} run
 * @param {Partial<import("../../static/shell/model.js").Model>} [more]
 * @returns {any}
 */
const model = (run, more) => ({
  run: { ...initial(), ...run },
  plan: NO_PLAN,
  link: { lost: false },
  replaying: false,
  ...more,
});

/** @param {any} shown */
const acts = (shown) => attentionItems(shown, NOW).map((need) => `${need.item.kind}: ${need.act}`);

test("each call offers the one thing to do about it", () => {
  const attention = [call("blocked", "1-1-a"), call("question", "1-1-a", 7), call("agent", null)];
  assert.deepEqual(acts(model({ attention }, { plan: planned("blocked") })), [
    "agent: ",
    "question: answer",
    "blocked: unblock",
  ]);
});

test("a blocked story of an earlier batch still needs the operator", () => {
  assert.deepEqual(acts(model({ state: "running" }, { plan: planned("blocked") })), ["blocked: unblock"]);
  assert.deepEqual(acts(model({}, { plan: planned("blocked"), replaying: true })), []);
});

test("a failed batch can be started again", () => {
  const batch = /** @type {any} */ ({ id: 3, status: "error", reason: "the disk is gone", ended_at: NOW });
  const shown = model({ attention: [call("commit", null)], batch });
  assert.deepEqual(acts(shown), ["failed: start", "commit: "]);
  assert.equal(attentionItems(shown, NOW)[0].item.message, "Batch 3 failed: the disk is gone");
  assert.deepEqual(acts(model({ batch, state: "running" })), []);
});

test("an answered question is gone", () => {
  const attention = [call("question", "1-1-a", 7), call("question", "1-1-a", 8)];
  const answered = {
    type: "batch:warning",
    payload: { batch_id: 1, warning_type: "answered", message: "", command_id: 7 },
    timestamp: 0,
    seq: 1,
    batch_id: 1,
  };
  assert.deepEqual(
    apply({ ...initial(), attention }, answered).attention.map((item) => item.command_id),
    [8],
  );
});

test("a story that is no longer blocked needs no attention", () => {
  assert.deepEqual(acts(model({ attention: [call("blocked", "1-1-a")] }, { plan: planned("ready-for-dev") })), []);
});

test("what is past or out of reach offers nothing", () => {
  const attention = [call("question", "1-1-a", 7)];
  assert.deepEqual(acts(model({ attention }, { replaying: true })), ["question: "]);
  assert.deepEqual(acts(model({ attention }, { link: /** @type {any} */ ({ lost: true }) })), ["question: "]);
});

test("a used-up budget offers no way past it, and its call goes when the run continues", () => {
  const attention = [call("budget", null)];
  assert.deepEqual(acts(model({ attention, state: "paused", reason: "budget" })), ["budget: "]);
  assert.deepEqual(acts(model({ attention, state: "running" })), []);
});

test("what has paused the run can be tried again from its call", () => {
  for (const kind of ["breaker", "no-progress", "agent", "verify", "git"]) {
    const attention = [call(kind, null)];
    assert.deepEqual(acts(model({ attention, state: "paused", reason: kind })), [`${kind}: resume`]);
    assert.deepEqual(acts(model({ attention, state: "running" })), []);
  }
});

test("what only explains a pause is over with it", () => {
  const reasons = { breaker: "breaker", "no-progress": "no-progress", budget: "budget", tracker: "tracker" };
  for (const [kind, reason] of Object.entries({ ...reasons, service: "unreachable" })) {
    const attention = [call(kind, null)];
    assert.equal(acts(model({ attention, state: "paused", reason })).length, 1, kind);
    assert.deepEqual(acts(model({ attention, state: "idle" })), []);
    assert.deepEqual(acts(model({ attention, state: "running" })), []);
    assert.deepEqual(acts(model({ attention, state: "paused", reason: "operator" })), []);
  }
  const attention = [call("resume", null)];
  assert.deepEqual(acts(model({ attention, state: "idle", resumable: 3 })), ["resume: "]);
  assert.deepEqual(acts(model({ attention, state: "running" })), []);
});

test("a question says when the agent decides without an answer", () => {
  const attention = [call("question", "1-1-a", 7)];
  const waiting = /** @type {const} */ ({ attention, state: "paused", reason: "question" });
  assert.equal(attentionItems(model(waiting), NOW)[0].words, "");
  assert.match(
    attentionItems(model({ ...waiting, until: NOW + 60_000 }), NOW)[0].words,
    /decides for itself at \d\d:\d\d/,
  );
});

test("a usage limit is on top with its time, and can be tried", () => {
  const [need] = attentionItems(
    model({ attention: [call("agent", null)], state: "waiting", until: NOW + 720_000 }),
    NOW,
  );
  assert.equal(need.act, "try");
  assert.match(need.words, /continues by itself at .* \(in 12 min\)/);
  assert.match(attentionItems(model({ state: "waiting" }), NOW)[0].words, /tries again by itself/);
});

test("notes of the desktop say what has happened", () => {
  const event = (/** @type {string} */ type, /** @type {any} */ payload) =>
    notificationText({ type, payload, timestamp: 0, seq: 1, batch_id: 1 });
  assert.deepEqual(event("attention", { kind: "question", message: "Which?" }), {
    title: "The agent asks",
    body: "Which?",
  });
  assert.deepEqual(event("batch:end", { batch_id: 2, cycles_completed: 1, status: "completed" }), {
    title: "Batch finished",
    body: "Batch 2, 1 group completed.",
  });
  assert.equal(event("batch:end", { status: "error", reason: "no disk" }).body, "no disk");
});

test("a gate asks for a decision, and an epic is closed by name", () => {
  const gate = { ...call("gate", null), gate_id: 3, decisions: ["go", "skip", "stop"] };
  const [item] = attentionItems(model({ attention: [gate] }), NOW);
  assert.equal(item.act, "decide");
  assert.equal(decisionLabel("go", gate), "Close epic");
  assert.equal(decisionLabel("go", { ...gate, story_key: "1.1" }), "Continue");
  const decided = apply(
    { ...initial(), attention: [gate] },
    /** @type {any} */ ({
      type: "batch:warning",
      payload: { batch_id: 1, warning_type: "decided", message: "", gate_id: 3 },
    }),
  );
  assert.deepEqual(decided.attention, []);
});

test("comments that name a line keep their place, the others are about the whole", () => {
  assert.deepEqual(readComments("shorter\nsrc/a.py:12: why twice?\n  b.md:0: x\nand calmer"), {
    text: "shorter\n  b.md:0: x\nand calmer",
    comments: [{ path: "src/a.py", line: 12, text: "why twice?" }],
  });
  assert.deepEqual(readComments(""), { text: "", comments: [] });
});

test("comments are not lost by going on", () => {
  assert.equal(refusalOf("back", ""), "");
  assert.equal(refusalOf("go", ""), "");
  assert.match(refusalOf("go", "shorter"), /Send back/);
});
