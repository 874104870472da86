// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

/** What the server is asked, with what answers it. @type {{path: string, answer: (page: object) => Promise<void>}[]} */
const asked = [];
/** What has asked to be called later. @type {(() => void)[]} */
const later = [];
const world = /** @type {any} */ (globalThis);
world.window = { setTimeout: (/** @type {() => void} */ call) => later.push(call) };
world.fetch = (/** @type {string | URL} */ path) =>
  new Promise((resolve) => {
    const answer = async (/** @type {object} */ page) => {
      resolve(Response.json({ results: [], more: false, after: null, backlog: null, ...page }));
      await new Promise((settled) => setTimeout(settled));
    };
    asked.push({ path: String(path), answer });
  });
const { LogSearch } = await import("../../static/run/log-search.js");

const filter = { story: "", command: "", level: 0, query: "needle" };
const event = { type: "error", payload: { type: "agent", message: "a needle" }, timestamp: 1, seq: 7, batch_id: 1 };

test("what is answered to an earlier question is not taken, even one for the same words", async () => {
  /** @type {number[]} */
  const found = [];
  const search = new LogSearch(
    (lines) => found.push(...lines.map((line) => line.seq)),
    () => true,
  );
  search.ask(filter, 500);
  search.ask(filter, 300); // the log was read further meanwhile
  const [first, second] = asked.splice(0);
  await first.answer({ count: 9, results: [{ event }] });
  assert.deepEqual([search.count, found], [null, []]);
  await second.answer({ count: 1, results: [{ event }] });
  assert.deepEqual([search.count, search.isMore, found], [1, false, [7]]);
});

test("while the server has not taken in the whole log, its count is not all, and it is asked again", async () => {
  let grown = 0;
  const search = new LogSearch(
    () => {},
    () => {
      grown += 1;
      return grown > 1;
    },
  );
  search.ask(filter, 500);
  await asked.splice(0)[0].answer({ count: 4, backlog: { events: 3000, transcripts: 0 } });
  assert.deepEqual([search.count, search.isMore, grown], [4, true, 0]);
  later.splice(0)[0]();
  assert.deepEqual([grown, later.length], [1, 1]); // it could not be asked just then
  later.splice(0)[0]();
  assert.deepEqual([grown, later.length], [2, 0]);
});
