// @ts-check
/**
 * What the palette offers of the page itself: the verbs of the run and of its stories, views, settings, the log, themes.
 * Each has the other words under which people look for it.
 */
import { shortKey, statusText } from "../kit/format.js";
import { isReader } from "../kit/role.js";
import { storyActions } from "../run/story-actions.js";
import { promptEntries, readSettings, settingEntries } from "./setting-entries.js";
import { THEMES } from "./theme.js";

/** @typedef {import("./palette.js").Entry} Entry */
/** @typedef {import("./actions.js").Page} Page */
/** @typedef {import("./plan.js").PlanStory} PlanStory */

/** Other words for the verbs of the run, by the first word of each. @type {Record<string, string>} */
const VERBS = {
  Start: "begin run go launch batch",
  Pause: "hold wait break batch",
  Resume: "continue pause unpause go on batch",
  Try: "resume continue retry again",
  Stop: "end abort cancel kill quit batch",
  What: "preview prompt prompts command line dry run",
};

/** Other words for the views. @type {Record<string, string>} */
const VIEWS = {
  run: "now live log output start",
  board: "stories epics plan kanban status blocked backlog sprint-status.yaml",
  timeline: "gantt duration time when",
  history: "batches earlier past replay brief export compare",
  insights: "cost costs money spend spent tokens budget charts statistics burn-up",
  settings: "preferences options configuration",
};

/** Topics of the settings: what people call them, and what they are found by there. */
const TOPICS = [
  { words: "Budgets and caps of cost", also: "money spend limit cost budget usd", find: "budget" },
  { words: "Agents", also: "claude codex gemini model program accounts", find: "agent" },
  { words: "Models", also: "model agent sonnet opus", find: "model" },
  { words: "Prompts of the commands", also: "prompt template instructions own", find: "prompt" },
  { words: "Notifications", also: "notify webhook slack message email push", find: "notif" },
  { words: "Lanes: stories in parallel", also: "parallel concurrency worktree", find: "parallel" },
  { words: "Access, devices and links", also: "token pair phone reader login", find: "access" },
];

/**
 * @param {Page} page
 * @param {{openHelp: () => void, tabKeys: Record<string, string>, onMore: () => void}} more `onMore` is called when there
 *   are more entries: those of the settings are read from the server
 * @returns {Entry[]}
 */
export function createEntries(page, { openHelp, tabKeys, onMore }) {
  void readSettings().then((isMore) => isMore && onMore());
  return [
    ...runEntries(page),
    ...viewEntries(page, tabKeys),
    ...batchEntries(page),
    ...logEntries(page),
    ...themeEntries(page),
    {
      group: "Page",
      words: "Desktop notifications on or off",
      also: "notify notification bell alert",
      run: page.notifications.toggle,
    },
    { group: "Page", words: "Keyboard shortcuts", keys: "?", also: "help keys", run: openHelp },
    ...topicEntries(page),
    ...storyEntries(page),
    ...storyVerbs(page),
    ...promptEntries((prompt) => page.router.go("settings", { topic: "prompts", prompt })),
    ...settingEntries(page.findSetting),
  ];
}

/** @param {Page} page @returns {Entry[]} */
function runEntries({ controls }) {
  return controls.entries().map(({ words, run }) => ({ group: "Run", words, also: VERBS[words.split(" ")[0]], run }));
}

/** @param {Page} page @param {Record<string, string>} keys @returns {Entry[]} */
function viewEntries({ tabs, router }, keys) {
  return tabs.map((tab) => ({
    group: "Go to",
    words: capitalised(tab),
    keys: `g ${keys[tab]}`,
    also: `go to view tab ${VIEWS[tab] ?? ""}`,
    run: () => router.go(tab),
  }));
}

/** What is done with the batch that runs, or with the last one. @param {Page} page @returns {Entry[]} */
function batchEntries({ model, router, replay }) {
  const id = model().run.batch?.id;
  if (!id) return [];
  /** @type {[words: string, also: string, run: () => unknown][]} */
  const all = [
    [`Brief of batch ${id}`, "summary report morning print", () => router.go("run", { brief: String(id) })],
    [`Replay batch ${id}`, "recording film again watch history", () => replay(id)],
    [`Export batch ${id} as one file`, "download save html share archive", () => download(`/api/batches/${id}/export`)],
    [`Cost of batch ${id}`, "money spent tokens insights", () => router.go("insights", { batch: String(id) })],
    [`Timeline of batch ${id}`, "gantt", () => router.go("timeline")],
  ];
  return all.map(([words, also, run]) => ({ group: "Batch", words, also, run }));
}

/** @param {string} path of a file that the server sends as an attachment */
function download(path) {
  const link = Object.assign(document.createElement("a"), { href: path, download: "" });
  link.click();
}

/** @param {Page} page @returns {Entry[]} */
function logEntries({ router, log }) {
  const onLog = (/** @type {() => unknown} */ run) => () =>
    onRunTab(router, () => {
      log.open();
      run();
    });
  const showProblems = () => router.go("run", { pane: "log", level: "2" });
  /** @type {[words: string, also: string, run: () => unknown, keys?: string][]} */
  const all = [
    ["Jump to the latest line", "log follow", onLog(() => log.latest()), "l"],
    ["Search the log", "find filter", onLog(() => log.filter.focus()), "/"],
    ["Show problems only", "log errors warnings level filter", showProblems],
    ["Show everything again", "log clear filter", onLog(() => log.filter.clear())],
    ["Copy the lines shown", "log clipboard export", onLog(() => log.copyAll())],
  ];
  return all.map(([words, also, run, keys]) => ({ group: "Log", words, also, run, keys }));
}

/** @param {Page} page @returns {Entry[]} */
function themeEntries({ theme }) {
  return THEMES.map((name) => ({
    group: "Theme",
    words: theme.words(name),
    also: "theme appearance colours mode",
    run: () => theme.choose(name),
  }));
}

/** @param {Page} page @returns {Entry[]} */
function topicEntries({ findSetting }) {
  return TOPICS.map(({ words, also, find }) => ({
    group: "Settings",
    words,
    also: `settings ${also}`,
    run: () => findSetting(find),
  }));
}

/** @param {Page} page @returns {Entry[]} */
function storyEntries({ model, openStory }) {
  return model().plan.stories.map((story) => ({
    group: "Story",
    words: nameOf(story),
    also: `${story.key} ${statusText(story.status)} story`,
    run: () => openStory(story.key),
  }));
}

/** The verbs of each story; those blocked are retried in their dossier, with a hint. @param {Page} page @returns {Entry[]} */
function storyVerbs({ model, openStory, router }) {
  if (isReader) return [];
  const { stories } = model().plan;
  const isNoneBlocked = !stories.some((story) => story.status === "blocked");
  const none = {
    group: "Story",
    words: "Retry: no story is blocked now",
    also: "again",
    run: () => router.go("board"),
  };
  const verbs = stories.flatMap((story) => {
    const name = nameOf(story);
    const retry = { words: "Retry…", run: () => openStory(story.key) };
    const all = [...(story.status === "blocked" ? [retry] : []), ...storyActions(story.key)];
    return all.map(({ words, run }) => ({
      group: "Story",
      words: `${words} ${name}`,
      also: `${story.key} story`,
      run,
    }));
  });
  return isNoneBlocked ? [...verbs, none] : verbs;
}

/** @param {PlanStory} story */
function nameOf(story) {
  return `${shortKey(story.key)} ${story.title || story.key}`;
}

/** Runs an action of the log once the Run tab is open. @param {Page["router"]} router @param {() => unknown} run */
export function onRunTab(router, run) {
  if (router.current.tab === "run") return run();
  addEventListener("hashchange", () => run(), { once: true });
  router.go("run");
}

/** @param {string} tab */
export function capitalised(tab) {
  return `${tab[0].toUpperCase()}${tab.slice(1)}`;
}
