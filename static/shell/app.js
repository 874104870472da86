// @ts-check
/**
 * The page: connects the socket, the store and the views. Events wait in a queue and are applied once per animation
 * frame; then every view renders the model and changes only what differs.
 */

import { catchApiError, events as fetchEvents, get } from "../kit/api.js";
import { basePath } from "../kit/base-path.js";
import { attr, byId, show } from "../kit/dom.js";
import { prefetch } from "../kit/lazy.js";
import { serverNow, setServerTime } from "../kit/server-clock.js";
import { announce } from "../kit/toast.js";
import { urlParams, wholeNumber } from "../kit/url-params.js";
import { createSwitcher } from "../projects/switcher.js";
import { Controls } from "../run/controls.js";
import { Log } from "../run/log.js";
import { createRunTab } from "../run/run.js";
import { followQueue } from "../run/run-queue.js";
import { followPlan } from "../run/story-actions.js";
import { transcriptChanged } from "../story/transcript-signal.js";
import { createActions } from "./actions.js";
import { createNotifications } from "./desktop-notifications.js";
import { EventQueue } from "./event-queue.js";
import { FrameLoop } from "./frame-loop.js";
import { createHeader } from "./header.js";
import { initialModel } from "./model.js";
import { createParts, useOrTell } from "./parts.js";
import { PlanLoader } from "./plan-loader.js";
import { createRouter } from "./router.js";
import { Socket } from "./socket.js";
import { Store } from "./store.js";
import { createTheme } from "./theme.js";
import { FolderTrust } from "./trust.js";

/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("../state.js").Envelope} Envelope */
/** @typedef {{render: (model: Model, now: number) => void, tick: (model: Model, now: number) => void}} Tab */

const TABS = /** @type {const} */ (["run", "board", "timeline", "history", "insights", "settings"]);
/** Tabs of all batches: a replay does not change them. */
const TIMELESS = new Set(["history", "insights", "settings"]);
/** Events that change the tracker or a dossier. */
const CHANGES_PLAN = new Set([
  "plan:change",
  "story:status",
  "story:hint",
  "story:skip",
  "story:takeover",
  "story:delivery",
  "cycle:end",
  "batch:end",
  "command:end",
]);
/** Events that lengthen the transcript of a command. */
const CHANGES_TRANSCRIPT = new Set(["command:progress", "command:end", "story:hint"]);
/** Most commands of a batch that are fetched. */
const COMMANDS_MOST = 5000;

const socketUrl = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${basePath}/ws`;
const store = new Store(initialModel(serverNow()));
const queue = new EventQueue();
const frames = new FrameLoop(renderFrame);
store.subscribe(() => frames.request());
const socket = new Socket(socketUrl, {
  onInit,
  onEvent,
  onLink,
  onServerTime: setServerTime,
  // Behind another server the page is that one's, not the runner's.
  onPage: basePath === "" ? onPage : undefined,
  onProblem: (problem) => store.dispatch({ type: "problem", problem }),
  // The server answers with a page that says so, and nothing of the project stays in sight.
  onRevoked: () => location.reload(),
});
const header = createHeader({ wake: () => socket.wake(), openStory });
const folderTrust = new FolderTrust(readAgent);
const controls = new Controls(
  () => store.model,
  () => folderTrust.ask(),
);
followPlan(() => store.model.plan);
const log = new Log();
const planLoader = new PlanLoader({
  seq: () => store.model.run.seq,
  onPlan: (plan) => {
    store.dispatch({ type: "plan", plan });
    // Not sooner: on a slow line it would delay what is shown first.
    prefetch(parts.all);
  },
});
const parts = createParts({
  current: () => store.model,
  requestFrame: () => frames.request(),
  replayLines: (lines) => log.replay(lines),
  resume: () => controls.resume(),
  askTrust: () => folderTrust.ask(),
  go: (tab) => router.go(tab),
  openStory,
  closeStory,
  closeBrief: () => urlParams().has("brief") && setParam("brief", ""),
});
const { storyDialog, briefDialog, planMaker, replay } = parts;
const { board, settings } = parts.tabs;
const runTab = createRunTab({
  resume: () => controls.resume(),
  start: () => controls.start(),
  replay: (id) => useOrTell(replay, (loaded) => loaded.open(id)),
});
/** @type {Record<string, Tab>} */
const tabs = {
  run: runTab,
  ...parts.tabs,
};
createSwitcher();
const theme = createTheme(byId("theme"));
const notifications = createNotifications(() => store.model.run.project.name || "Sprint Runner");
const router = createRouter(TABS, onRoute);

/** @param {string} key */
function openStory(key) {
  router.go(router.current.tab, { ...Object.fromEntries(urlParams()), story: key, transcript: "" });
}

/** @param {string} name @param {string} value */
function setParam(name, value) {
  router.go(router.current.tab, { ...Object.fromEntries(urlParams()), [name]: value });
}

function closeStory() {
  if (urlParams().has("story")) openStory("");
}

function renderFrame() {
  const events = queue.drain((chunk) => store.dispatch({ type: "events", events: chunk }));
  log.append(events);
  if (!queue.isEmpty) frames.request();
  render();
  updateLoaders(events);
  notifications.notify(events);
}

/** Reads again what these events have changed outside of the state. @param {Envelope[]} events */
function updateLoaders(events) {
  const changed = events.filter((event) => CHANGES_TRANSCRIPT.has(event.type));
  transcriptChanged(changed.flatMap(({ payload }) => [payload.command_id, payload.sent_to]));
  if (events.some((event) => event.type === "prompt:change")) settings.useIfUsed((view) => view.promptsChanged());
  briefDialog.useIfUsed((dialog) => dialog.refresh(events));
  const planEvents = events.filter((event) => CHANGES_PLAN.has(event.type));
  if (!planEvents.length) return;
  planLoader.applyStatuses(planEvents.filter((event) => event.type === "story:status"));
  const changedStories = new Set(planEvents.flatMap(({ payload: p }) => p.story_keys ?? p.story_key ?? []));
  storyDialog.useIfUsed((dialog) => dialog.refresh(changedStories));
  if (planEvents.some((event) => event.type !== "command:end")) planLoader.readSoon();
}

/** The model that is shown: of now, or of the moment that is replayed. */
function shownModel() {
  return replay.value?.model(store.model) ?? store.model;
}

function render() {
  const model = shownModel();
  const now = timeOf(model);
  const { tab } = router.current;
  followQueue(store.model.run);
  header.render(model, now);
  controls.render(model, now);
  if (planMaker.used || (model.plan.counts.unplanned && !planMaker.failed))
    void planMaker.use((maker) => maker.render(model, tab));
  tabs[tab].render(TIMELESS.has(tab) ? store.model : model, now);
}

function tick() {
  const model = shownModel();
  const now = timeOf(model);
  header.tick(model, now);
  controls.tick(model, now);
  tabs[router.current.tab].tick(model, now);
}

/** The time that the views show: that of the last message while the connection is lost. @param {Model} model */
function timeOf({ link, lastMessageAt }) {
  const replayed = replay.value?.active ? replay.value : null;
  return link.lost && lastMessageAt && !replayed ? lastMessageAt : (replayed?.now ?? serverNow());
}

/** @param {Record<string, any>} payload */
function onInit(payload) {
  const { epoch } = store.model;
  queue.clear();
  if (payload.epoch === epoch) log.join(payload.events);
  else log.reset(payload.events);
  store.dispatch({ type: "init", payload, at: serverNow() });
  planLoader.reset();
  if (epoch) storyDialog.useIfUsed((dialog) => dialog.refresh(null));
  if (epoch) briefDialog.useIfUsed((dialog) => dialog.refresh(null));
  folderTrust.read();
  const { run } = store.model;
  transcriptChanged(run.operations.map((operation) => operation.command_id));
  if (run.batch) readCommands(run.batch.id);
  if (new URLSearchParams(location.search).has("replay")) void useOrTell(replay, (loaded) => loaded.resume());
}

/** @param {string} version of the page that the server has */
function onPage(version) {
  const own = document.documentElement.dataset.page;
  show(byId("old-page"), own !== undefined && version !== own);
}

/** @param {Envelope} event */
function onEvent(event) {
  queue.push(event);
  store.dispatch({ type: "message", at: serverNow() });
}

/** @param {import("./socket.js").Link} link */
function onLink(link) {
  const before = store.model.link;
  if (link.lost && !before.lost) announce("The connection to the runner is lost");
  if (!link.lost && before.lost) announce("Connected again");
  if (link.kind === "live" && before.kind !== "live") planLoader.readSoon();
  store.dispatch({ type: "link", link, at: serverNow() });
}

/** Reads the commands of the batch so far, which `init` does not contain. @param {number} batch */
async function readCommands(batch) {
  const read = (/** @type {string} */ type) => fetchEvents({ batch, limit: COMMANDS_MOST, type });
  const found = await catchApiError(Promise.all([read("command:start"), read("command:end")]));
  if (found) store.dispatch({ type: "history", batch, events: found.flat() });
}

/** Reads which agent there is by now: no event carries it, and trust in the folder may have changed it. */
async function readAgent() {
  const run = await catchApiError(get("/api/run"));
  if (run) store.dispatch({ type: "agent", agent: run.agent });
}

/** @param {import("./router.js").Route} route */
function onRoute({ tab, params }) {
  for (const name of TABS) showTab(name, name === tab);
  const [brief, story] = [wholeNumber(params.get("brief")), params.get("story")];
  if (brief !== null || briefDialog.used) useOrTell(briefDialog, (dialog) => dialog.show(brief));
  if (story !== null || storyDialog.used)
    useOrTell(storyDialog, (dialog) => dialog.show(story, wholeNumber(params.get("transcript"))));
  if (tab === "run") {
    runTab.route(params);
    log.route(params);
  }
  render();
  log.render();
}

/** @param {string} name @param {boolean} selected */
function showTab(name, selected) {
  show(byId(`tab-${name}`), selected);
  const link = document.querySelector(`[data-tab="${name}"]`);
  if (link) attr(link, "aria-current", selected ? "page" : null);
  if (selected) link?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

/** Removes the token from the address, where it could be read and shared: the server has made a cookie of it. */
function hideToken() {
  const url = new URL(location.href);
  if (!url.searchParams.has("token")) return;
  url.searchParams.delete("token");
  history.replaceState(null, "", url);
}

function addListeners() {
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault();
    byId("main-content").focus();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    socket.wake();
    folderTrust.read();
    tick();
  });
  byId("reload").addEventListener("click", () => location.reload());
  addEventListener("online", () => socket.wake());
  addEventListener("pageshow", (event) => event.persisted && socket.wake());
}

createActions({
  tabs: TABS,
  router,
  controls,
  log,
  theme,
  notifications,
  openStory,
  model: () => store.model,
  search: { board: () => board.use((view) => view.focus()), settings: () => settings.use((view) => view.focus()) },
  toggle: () => (replay.value?.active ? replay.value.toggle() : controls.toggle()),
  findSetting: (words) => {
    router.go("settings");
    void settings.use((view) => view.find(words));
  },
  replay: parts.openReplay,
});
addListeners();
hideToken();
setInterval(() => !document.hidden && tick(), 1000);
router.start();
socket.start();
