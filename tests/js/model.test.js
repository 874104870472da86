// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { initialModel } from "../../static/shell/model.js";
import { Store } from "../../static/shell/store.js";
import { command, sequence } from "./events.js";

const NOW = 1_700_000_000_000;
/** @param {string} epoch */
const init = (epoch) => ({ epoch, seq: 0, events: [], run: { batch: { id: 1 } } });

test("events change run, commands and the money that was booked", () => {
  const event = sequence();
  const store = new Store(initialModel(NOW));
  const metrics = { cost_usd: 0.5 };
  const events = [
    event("batch:start", { batch_id: 1, max_cycles: 1 }),
    event("command:start", command(1, "1-1-a")),
    event("command:end", command(1, "1-1-a", { status: "success", metrics })),
  ];
  store.dispatch({ type: "events", events });
  const { run, commands, spent, lastAt } = store.model;
  assert.deepEqual([run.seq, commands.get(1)?.status, spent], [events[2].seq, "success", 0.5]);
  assert.equal(lastAt, events[2].timestamp);
});

test("commands of another database are forgotten, those of the same one stay", () => {
  const event = sequence();
  const store = new Store(initialModel(NOW));
  store.dispatch({ type: "init", payload: init("one"), at: NOW });
  store.dispatch({ type: "history", batch: 1, events: [event("command:start", command(1, "1-1-a"))] });
  store.dispatch({ type: "init", payload: init("one"), at: NOW });
  assert.equal(store.model.commands.size, 1);
  store.dispatch({ type: "init", payload: init("two"), at: NOW });
  assert.equal(store.model.commands.size, 0);
});

test("a change is reported, and a model is never changed in place", () => {
  const store = new Store(initialModel(NOW));
  const before = store.model;
  let reports = 0;
  store.subscribe(() => {
    reports += 1;
  });
  store.dispatch({ type: "message", at: NOW });
  store.dispatch({ type: "problem", problem: null });
  assert.deepEqual([before.lastMessageAt, store.model.lastMessageAt, reports], [0, NOW, 1]);
});
