import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { hourMinute } from "../../static/kit/format.js";
import { serverNow, setServerTime } from "../../static/kit/server-clock.js";

const HOUR = 3_600_000;

/** How far the page's time is from the browser's, in ms. */
function ahead() {
  return serverNow() - Date.now();
}

/** @param {number} found @param {number} expected */
function near(found, expected) {
  assert.ok(Math.abs(found - expected) <= 50, `${found} is not about ${expected}`);
}

test("until the server has sent its time the browser's counts", () => {
  near(ahead(), 0);
});

test("the page keeps the server's time, however far the browser's clock is away", () => {
  setServerTime(Date.now() + 2 * HOUR);
  near(ahead(), 2 * HOUR);
  setServerTime(Date.now() - 2 * HOUR);
  near(ahead(), -2 * HOUR);
});

test("a late message does not move it, a clock that was set does", () => {
  setServerTime(1_000_000, 1_000_000);
  setServerTime(1_000_000, 1_000_900);
  near(ahead(), 0);
  setServerTime(1_000_000, 1_005_000);
  near(ahead(), -5_000);
});

test("what is no time is ignored", () => {
  setServerTime(1_000_000, 1_000_000);
  for (const odd of [undefined, null, "12", Number.NaN, Infinity]) setServerTime(odd);
  near(ahead(), 0);
});

test("a time of today is shown without its date by the server's day", () => {
  setServerTime(Date.now() + 48 * HOUR);
  assert.match(hourMinute(serverNow()), /^[0-9]{2}:[0-9]{2}$/);
});

/** Where the browser's own time is right: waiting, reading again, and the line, which is the browser's. */
const OWN_TIME = new Set([
  "fleet/app.js",
  "kit/server-clock.js",
  "kit/toast.js",
  "shell/socket.js",
  "shell/header.js",
  "history/history.js",
  "insights/insights.js",
  "settings/settings.js",
]);

test("every clock of the page asks for the server's time", () => {
  const folder = new URL("../../static/", import.meta.url);
  const files = /** @type {string[]} */ (readdirSync(folder, { recursive: true })).filter((name) =>
    name.endsWith(".js"),
  );
  const found = files.filter((name) => readFileSync(new URL(name, folder), "utf8").includes("Date.now()"));
  assert.deepEqual(
    found.filter((name) => !OWN_TIME.has(name)),
    [],
  );
});
