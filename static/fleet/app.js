// @ts-check
/** The page of several runners: follows the fleet's server, and renders what has changed once per animation frame. */
import { attr, byId, list, show, text } from "../kit/dom.js";
import { money, plural } from "../kit/format.js";
import { serverNow, setServerTime } from "../kit/server-clock.js";
import { announce } from "../kit/toast.js";
import { createStopped, readProjects } from "../projects/stopped-projects.js";
import { FrameLoop } from "../shell/frame-loop.js";
import { linkText } from "../shell/header.js";
import { Socket } from "../shell/socket.js";
import { createTheme } from "../shell/theme.js";
import { Inbox, itemsOf, needed } from "./inbox.js";
import { Plans } from "./plans.js";
import { RunnerRow } from "./runner-row.js";
import { applyMessage, runnersOf, totalsOf } from "./runners.js";

/** @typedef {import("./runners.js").Runner} Runner */
/** @typedef {import("../shell/socket.js").Link} Link */

/** How often the projects that do not run are looked at, in ms. */
const STOPPED_MS = 5_000;

/** @type {readonly Runner[]} */
let runners = [];
let ready = false;
/** What keeps some runners from being seen at all. @type {string | null} */
let problem = null;
/** @type {Link} */
let link = { kind: "connecting", since: Date.now(), retryAt: null, lost: false };

const frames = new FrameLoop(render);
const inbox = new Inbox();
const plans = new Plans(() => frames.request());
const rows = list(
  byId("runners"),
  (/** @type {import("./runner-row.js").RunnerItem} */ item) => item.runner.id,
  (item) => new RunnerRow(item),
);
const stopped = list(
  byId("stopped-list"),
  (/** @type {import("../projects/stopped-projects.js").Project} */ project) => project.key,
  createStopped,
);

const socket = new Socket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`, {
  onInit: (payload) => {
    problem = payload.run.problem;
    update(runnersOf(payload));
  },
  onEvent: (message) => {
    if (message.type === "problem") problem = message.payload.problem;
    update(applyMessage(runners, message));
  },
  onLink: changeLink,
  onServerTime: setServerTime,
  onRevoked: () => location.reload(),
});

/** @param {readonly Runner[]} next */
function update(next) {
  const changed = next.length !== runners.length;
  runners = next;
  ready = true;
  plans.follow(runners);
  if (changed) void readStopped();
  frames.request();
}

/** @param {Link} next */
function changeLink(next) {
  if (next.lost && !link.lost) announce("The connection to the fleet's server is lost");
  if (!next.lost && link.lost) announce("Connected again");
  link = next;
  frames.request();
}

function render() {
  const now = serverNow();
  const items = runners.map((runner) => itemsOf(runner, plans.of(runner.id), link.lost, now));
  rows.render(runners.map((runner, index) => ({ runner, needs: needed(items[index]) })));
  inbox.render(items.flat());
  const needs = items.reduce((sum, one) => sum + needed(one), 0);
  renderTotals(needs);
  show(byId("runners-head"), runners.length > 0);
  show(byId("runners-empty"), ready && !runners.length);
  show(byId("fleet-problem"), problem !== null);
  text(byId("fleet-problem"), problem ?? "");
  const title = `${needs ? `(${needs}) ` : ""}All projects · Sprint Runner`;
  if (document.title !== title) document.title = title;
  renderLink();
}

/** @param {number} needs */
function renderTotals(needs) {
  const totals = totalsOf(runners);
  text(byId("total-running"), ready ? totals.running : "–");
  const lost = totals.lost ? `, ${totals.lost} not reached` : "";
  text(byId("total-running-note"), ready ? `of ${plural(totals.all, "runner")}${lost}` : "");
  text(byId("total-needs"), ready ? needs : "–");
  text(byId("total-needs-note"), needs === 1 ? "item" : "items");
  text(byId("total-done"), ready ? totals.done : "–");
  text(byId("total-done-note"), totals.total ? `of ${totals.total}` : "");
  attr(byId("total-done-bar"), "max", Math.max(totals.total, 1));
  attr(byId("total-done-bar"), "value", totals.done);
  text(byId("total-cost"), ready ? money(totals.today) : "–");
}

function renderLink() {
  const button = byId("link");
  attr(button, "data-kind", link.lost ? "waiting" : link.kind);
  attr(button, "title", link.lost ? "Try now" : "The line to the fleet's server");
  text(byId("link-words"), linkText(link, Date.now()));
  attr(document.documentElement, "data-old", link.lost && ready);
}

async function readStopped() {
  const projects = await readProjects();
  if (!projects) return;
  const found = projects.filter(({ running }) => !running);
  stopped.render(found);
  show(byId("stopped"), found.length > 0);
}

function tick() {
  if (document.hidden) return;
  const now = serverNow();
  for (const row of rows.views()) row.tick(now);
  renderLink();
}

byId("link").addEventListener("click", () => socket.wake());
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main-content").focus();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  socket.wake();
  void readStopped();
});
addEventListener("online", () => socket.wake());
createTheme(byId("theme"));
setInterval(tick, 1000);
setInterval(() => !document.hidden && void readStopped(), STOPPED_MS);
void readStopped();
socket.start();
