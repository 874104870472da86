// @ts-check
/**
 * The page: joins the socket, the state and the views. Events wait in a queue and are applied once per animation frame;
 * then every view is shown the model and touches only what changed.
 */

import { createBoard } from "../board/board.js";
import { createPast } from "../history/history.js";
import { Replay } from "../history/replay.js";
import { createInsights } from "../insights/insights.js";
import { ApiError, events as fetchEvents } from "../kit/api.js";
import { attr, byId, show } from "../kit/dom.js";
import { announce } from "../kit/toast.js";
import { here, whole } from "../kit/url-params.js";
import { createControls } from "../run/controls.js";
import { Log } from "../run/log.js";
import { createRun } from "../run/run.js";
import { createSettings } from "../settings/settings.js";
import { apply, fromInit, initial } from "../state.js";
import { createStoryDialog } from "../story/story.js";
import { heard } from "../story/transcript-signal.js";
import { createTimeline } from "../timeline/timeline.js";
import { createCommands } from "./actions.js";
import { applySteps, NO_STEPS, withHistory } from "./command-list.js";
import { createDesktop } from "./desktop-notifications.js";
import { createHeader } from "./header.js";
import { NO_PLAN } from "./plan.js";
import { createReader } from "./plan-loader.js";
import { createRoute } from "./router.js";
import { Socket } from "./socket.js";
import { createTheme } from "./theme.js";

/**
 * @typedef {{run: import("../state.js").RunState, steps: import("./command-list.js").Steps, plan:
 *   import("./plan.js").Plan,
 *   counts: import("./plan.js").Counts, link: import("./socket.js").Link, ready: boolean, heardAt: number,
 *   lastAt: number, spent: number, past: boolean}} Model
 *   `ready` once the server has said what the state is, `heardAt` when it last said anything (ms), `lastAt` when the
 *   last event happened (ms), `spent` what was booked since the server said how much that was today (US dollars),
 *   `past` in a replay
 */

const TABS = /** @type {const} */ (["run", "board", "timeline", "history", "insights", "settings"]);
/** Tabs that tell of all batches: a replay does not change them. */
const TIMELESS = new Set(["history", "insights", "settings"]);
/** Most milliseconds of a frame spent on applying events; the rest waits for the next frame. */
const FRAME_MS = 10;
/** How often events are applied while nobody looks and there are no frames, in ms. */
const HIDDEN_MS = 1000;
/** Events after which the tracker or a dossier says something else. */
const MOVES_PLAN = new Set(["story:status", "cycle:end", "batch:end", "command:end"]);
/** Events after which the transcript of a command is longer. */
const SAYS = new Set(["command:progress", "command:end"]);
/** Events that book money. */
const BOOKS = new Set(["command:end", "context:complete"]);
/** Most commands of a batch that are fetched to draw its steps. */
const STEPS_MOST = 5000;

/** @type {Model} */
let model = {
  run: initial(),
  steps: NO_STEPS,
  plan: NO_PLAN,
  counts: NO_PLAN.counts,
  ready: false,
  heardAt: 0,
  lastAt: 0,
  spent: 0,
  past: false,
  link: { kind: "connecting", since: Date.now(), retryAt: null, lost: false },
};
/** @type {import("../state.js").Envelope[]} */
let queue = [];
let frame = 0;
let byTimer = false;
let epoch = "";

const socket = new Socket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`, {
  onInit,
  onEvent,
  onLink,
  onProblem,
});
const openStory = (/** @type {string} */ key) =>
  route.go(route.current.tab, { ...Object.fromEntries(here()), story: key, transcript: "" });
const closeStory = () =>
  here().has("story") && route.go(route.current.tab, { ...Object.fromEntries(here()), story: "", transcript: "" });
const header = createHeader({ wake: () => socket.wake(), openStory });
const controls = createControls(() => model);
const log = new Log();
const runTab = createRun({ resume: () => controls.resume() });
const settings = createSettings();
const board = createBoard({ openStory });
const timeline = createTimeline({ openStory });
const reader = createReader({
  seq: () => model.run.seq,
  onPlan: (plan) => update({ plan, counts: plan.sprint ? plan.counts : model.counts }),
});
const replay = new Replay({ current: () => model, onFrame: schedule, onLines: (lines) => log.replay(lines) });
const past = createPast({ replay: (id) => replay.open(id).then(() => route.go("run")) });
/** @type {Record<string, {render: (model: Model, now: number) => void, tick: (model: Model, now: number) => void}>} */
const tabs = { run: runTab, board, timeline, history: past, insights: createInsights(), settings };
const dossier = createStoryDialog(closeStory);
const theme = createTheme(byId("theme"));
const desktop = createDesktop(() => model.run.project.name || "Sprint Runner");
const route = createRoute(TABS, onRoute);

/** @param {Partial<Model>} change */
function update(change) {
  model = { ...model, ...change };
  schedule();
}

function schedule() {
  if (frame) return;
  byTimer = document.hidden;
  frame = byTimer ? window.setTimeout(step, HIDDEN_MS) : requestAnimationFrame(step);
}

/** A page that is hidden or seen again changes its clock: frames stop while it is hidden. */
function reschedule() {
  if (frame && byTimer) clearTimeout(frame);
  else if (frame) cancelAnimationFrame(frame);
  frame = 0;
  schedule();
}

/** One frame: what fits of the queue, then the views. */
function step() {
  frame = 0;
  const taken = take();
  log.append(taken);
  if (queue.length) schedule();
  render();
  moved(taken);
  desktop.hear(taken);
}

/** Applies queued events while the frame has time. @returns {import("../state.js").Envelope[]} those it applied */
function take() {
  const until = performance.now() + FRAME_MS;
  let { run, spent } = model;
  let index = 0;
  while (index < queue.length && (document.hidden || index & 63 || performance.now() < until)) {
    run = apply(run, queue[index]);
    spent +=
      queue[index].payload.metrics && BOOKS.has(queue[index].type) ? (queue[index].payload.metrics.cost_usd ?? 0) : 0;
    index += 1;
  }
  const taken = queue.slice(0, index);
  queue = queue.slice(index);
  if (!taken.length) return taken;
  model = { ...model, run, steps: applySteps(model.steps, taken), spent, lastAt: taken[taken.length - 1].timestamp };
  return taken;
}

/** What applied events mean for the plan and an open dossier. @param {import("../state.js").Envelope[]} taken */
function moved(taken) {
  heard(taken.filter((event) => SAYS.has(event.type)).map((event) => event.payload.command_id));
  const moving = taken.filter((event) => MOVES_PLAN.has(event.type));
  if (!moving.length) return;
  reader.hear(moving.filter((event) => event.type === "story:status"));
  dossier.refresh(new Set(moving.flatMap((event) => event.payload.story_keys ?? event.payload.story_key ?? [])));
  if (moving.some((event) => event.type !== "command:end")) reader.soon();
}

function render() {
  const shown = replay.model(model);
  const now = clockOf(shown);
  header.render(shown, now);
  controls.render(shown, replay.active);
  tabs[route.current.tab].render(TIMELESS.has(route.current.tab) ? model : shown, now);
}

/** What time it is in what is shown: it stands still while nobody can say what happens. @param {Model} shown */
function clockOf({ link, heardAt }) {
  return link.lost && heardAt && !replay.active ? heardAt : replay.now;
}

/** @param {Record<string, any>} payload */
function onInit(payload) {
  queue = [];
  const [run, first] = [fromInit(payload), !epoch];
  const steps = payload.epoch === epoch ? model.steps : NO_STEPS;
  if (payload.epoch === epoch) log.join(payload.events);
  else log.reset(payload.events);
  epoch = payload.epoch;
  const lastAt = payload.events.at(-1)?.timestamp ?? 0;
  update({
    run,
    steps,
    ready: true,
    heardAt: Date.now(),
    lastAt,
    spent: 0,
    counts: model.plan.sprint ? model.counts : run.plan,
  });
  reader.forget();
  if (!first) dossier.refresh(null);
  heard(run.operations.map((operation) => operation.command_id));
  readSteps(run);
  replay.resume();
}

/** @param {import("../state.js").Envelope} event */
function onEvent(event) {
  queue.push(event);
  model.heardAt = Date.now();
  schedule();
}

/** @param {string | null} problem */
function onProblem(problem) {
  if (problem !== model.run.problem) update({ run: { ...model.run, problem } });
}

/** @param {import("./socket.js").Link} link */
function onLink(link) {
  const { link: before } = model;
  if (link.lost && !before.lost) announce("The connection to the runner is lost");
  if (!link.lost && before.lost) announce("Connected again");
  if (link.kind === "live" && before.kind !== "live") reader.soon();
  update({ link, heardAt: before.kind === "live" || link.kind === "live" ? Date.now() : model.heardAt });
}

/** The commands of the batch so far, which `init` does not name. @param {import("../state.js").RunState} run */
async function readSteps(run) {
  if (!run.batch) return;
  const query = { batch: run.batch.id, limit: STEPS_MOST };
  try {
    const [starts, ends] = await Promise.all(
      ["command:start", "command:end"].map((type) => fetchEvents({ ...query, type })),
    );
    if (model.run.batch?.id === run.batch.id) update({ steps: withHistory(model.steps, [...starts, ...ends]) });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}

/** @param {import("./router.js").Route} here */
function onRoute({ tab, params }) {
  for (const name of TABS) {
    show(byId(`tab-${name}`), name === tab);
    const link = document.querySelector(`[data-tab="${name}"]`);
    if (link) attr(link, "aria-current", name === tab ? "page" : null);
    if (name === tab) link?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  dossier.show(params.get("story"), whole(params.get("transcript")));
  if (tab === "run") log.route(params);
  render();
  log.render();
}

function tick() {
  const shown = replay.model(model);
  header.tick(shown, clockOf(shown));
  tabs[route.current.tab].tick(shown, clockOf(shown));
}

/** The server has made a cookie of the token; in the address it could be read, shared and remembered. */
function hideToken() {
  const url = new URL(location.href);
  if (!url.searchParams.has("token")) return;
  url.searchParams.delete("token");
  history.replaceState(null, "", url);
}

createCommands({
  tabs: TABS,
  route,
  controls,
  log,
  theme,
  desktop,
  openStory,
  stories: () => model.plan.stories,
  search: { board: board.focus, settings: settings.focus },
  toggle: () => (replay.active ? replay.toggle() : controls.toggle()),
});
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main-content").focus();
});
document.addEventListener("visibilitychange", () => {
  reschedule();
  if (document.hidden) return;
  socket.wake();
  tick();
});
addEventListener("online", () => socket.wake());
addEventListener("pageshow", (event) => event.persisted && socket.wake());
hideToken();
setInterval(() => !document.hidden && tick(), 1000);
route.start();
socket.start();
