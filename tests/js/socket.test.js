// @ts-check
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Socket } from "../../static/shell/socket.js";

/** A world in which time moves by hand and a connection is what the test says. */
class Platform {
  time = 0;
  /** @type {{at: number, run: () => void}[]} */ timers = [];
  /** @type {any[]} */ lines = [];
  now = () => this.time;
  random = () => 1;
  cancel = (/** @type {any} */ timer) =>
    this.timers.splice(0, Infinity, ...this.timers.filter((other) => other !== timer));

  after = (/** @type {number} */ ms, /** @type {() => void} */ run) => {
    const timer = { at: this.time + ms, run };
    this.timers.push(timer);
    return timer;
  };

  open = (/** @type {string} */ url) => {
    const line = {
      url,
      readyState: 1,
      sent: /** @type {string[]} */ ([]),
      closed: false,
      send: (/** @type {string} */ data) => line.sent.push(data),
      close: () => (line.closed = true),
      onmessage: /** @type {any} */ (null),
      onclose: /** @type {any} */ (null),
    };
    this.lines.push(line);
    return /** @type {any} */ (line);
  };

  get line() {
    return this.lines.at(-1);
  }

  /** @param {any} message */
  say(message) {
    this.line.onmessage({ data: JSON.stringify(message) });
  }

  /** @param {number} ms */
  pass(ms) {
    const end = this.time + ms;
    for (;;) {
      const next = this.timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.time = Math.max(this.time, next.at);
      this.cancel(next);
      next.run();
    }
    this.time = end;
  }
}

/** @type {Platform} */ let world;
/** @type {number[]} */ let heard;
/** @type {any[]} */ let inits;
/** @type {(string | null)[]} */ let problems;
/** @type {any} */ let link;
let revoked = 0;

beforeEach(() => {
  revoked = 0;
  [world, heard, inits, problems] = [new Platform(), [], [], []];
  const socket = new Socket(
    "/ws",
    {
      onInit: (payload) => inits.push(payload),
      onEvent: (event) => heard.push(event.seq),
      onLink: (next) => (link = next),
      onProblem: (problem) => problems.push(problem),
      onRevoked: () => (revoked += 1),
    },
    world,
  );
  socket.start();
});

const init = (/** @type {number} */ seq) => world.say({ type: "init", payload: { seq, epoch: "e", events: [] } });
const event = (/** @type {number} */ seq) =>
  world.say({ type: "command:progress", payload: {}, timestamp: 0, seq, batch_id: null });

test("events come once and in order", () => {
  init(5);
  [6, 6, 5, 7].forEach(event);
  assert.deepEqual(heard, [6, 7]);
  assert.equal(link.kind, "live");
});

test("a lost line is opened again with the place it had", () => {
  init(5);
  event(6);
  world.line.onclose({ code: 1006 });
  assert.deepEqual([link.kind, link.lost, link.retryAt], ["waiting", true, 500]);
  world.pass(500);
  assert.match(world.line.url, /since=6&epoch=e/);
  world.say({ type: "resumed", payload: { from: 7, to: 8 } });
  [7, 8].forEach(event);
  assert.deepEqual(heard, [6, 7, 8]);
  assert.equal(link.lost, false);
});

test("a line whose access was revoked is not opened again", () => {
  init(5);
  world.line.onclose({ code: 4401 });
  assert.equal(revoked, 1);
  world.pass(60_000);
  assert.equal(world.lines.length, 1);
});

test("the wait doubles up to a bound, and starts over after a success", () => {
  init(1);
  const waits = [];
  for (let tries = 0; tries < 8; tries += 1) {
    world.line.onclose({ code: 1006 });
    waits.push(link.retryAt - world.time);
    world.pass(waits[tries]);
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 15000, 15000, 15000]);
  world.say({ type: "resumed", payload: { from: 2, to: 1 } });
  world.line.onclose({ code: 1001 });
  assert.equal(link.retryAt - world.time, 500);
});

test("a gap is not shown: the missing events are asked for", () => {
  init(5);
  event(8);
  assert.deepEqual(heard, []);
  assert.equal(world.lines.length, 2);
  assert.match(world.line.url, /since=5/);
  world.say({ type: "resumed", payload: { from: 6, to: 8 } });
  [6, 7, 8].forEach(event);
  assert.deepEqual(heard, [6, 7, 8]);
});

test("a gap that stays leads to a new beginning", () => {
  init(5);
  event(8);
  world.say({ type: "resumed", payload: { from: 6, to: 8 } });
  event(8);
  assert.match(world.line.url, /since=0&epoch=none/);
});

test("a tick that is ahead shows that something was lost on the way", () => {
  init(5);
  world.say({ type: "tick", seq: 5 });
  assert.equal(world.lines.length, 1);
  world.say({ type: "tick", seq: 7 });
  assert.match(world.line.url, /since=5/);
});

test("a tick reports what no event can, and when it is over", () => {
  init(5);
  world.say({ type: "tick", seq: 5, problem: "the disk is full" });
  world.say({ type: "tick", seq: 5 });
  assert.deepEqual(problems, ["the disk is full", null]);
});

test("a server without the runner says so until it is back or is itself not reached", () => {
  init(5);
  world.line.onclose({ code: 4404 });
  assert.deepEqual([link.lost, link.gone], [true, true]);
  world.pass(600);
  assert.deepEqual([link.kind, link.gone], ["connecting", true]);
  world.line.onclose({ code: 1006 });
  assert.equal(link.gone, false);
  world.pass(2_000);
  world.line.onclose({ code: 4404 });
  world.pass(5_000);
  init(0);
  assert.deepEqual([link.kind, link.lost, link.gone], ["live", false, false]);
});

test("a dead line is found within 45 seconds", () => {
  init(5);
  world.pass(45_000);
  assert.equal(world.lines[0].sent[0], '{"type":"ping"}');
  assert.equal(world.lines[0].closed, true);
  assert.equal(link.lost, true);
});

test("a quiet line that answers is left alone", () => {
  init(5);
  for (let second = 0; second < 300; second += 5) {
    world.pass(5_000);
    if (world.line.sent.length) world.say({ type: "pong" });
  }
  assert.equal(world.lines.length, 1);
  assert.equal(link.kind, "live");
});

test("after a sleep the line is asked before it is judged", () => {
  init(5);
  world.time += 3_600_000;
  world.pass(1_000);
  assert.equal(world.lines.length, 1);
  assert.equal(world.line.sent.length, 1);
  world.say({ type: "pong" });
  world.pass(10_000);
  assert.equal(link.kind, "live");
});

test("another database begins anew", () => {
  init(5);
  world.line.onclose({ code: 1006 });
  world.pass(500);
  world.say({ type: "init", payload: { seq: 2, epoch: "other", events: [] } });
  event(3);
  assert.equal(inits.length, 2);
  assert.deepEqual(heard, [3]);
});

test("a connection that never says its first word is given up", () => {
  world.pass(10_000);
  assert.equal(world.lines[0].closed, true);
  assert.equal(link.kind, "waiting");
});
