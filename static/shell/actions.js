// @ts-check
/** The actions of the page: each one is declared once, with its key, and offered by name in the command palette. */
import { byId } from "../kit/dom.js";
import { shortKey, statusText } from "../kit/format.js";
import { announce } from "../kit/toast.js";
import { createPalette } from "./palette.js";
import { createShortcuts } from "./shortcuts.js";
import { THEMES } from "./theme.js";

/** @typedef {import("./palette.js").Entry} Entry */
/** @typedef {import("./shortcuts.js").Shortcut} Shortcut */
/**
 * @typedef {{tabs: readonly string[], router: ReturnType<typeof import("./router.js").createRouter>,
 *   controls: import("../run/controls.js").Controls, log: import("../run/log.js").Log,
 *   theme: ReturnType<typeof import("./theme.js").createTheme>, notifications: {toggle: () => unknown},
 *   openStory: (key: string) => void, stories: () => readonly import("./plan.js").PlanStory[],
 *   search: Record<string, () => void>, toggle: () => unknown}} Page
 *   `search`: how to search in tabs other than Run, `toggle` pauses or resumes the run or the replay
 */

/** The second key of "go to", by tab. @type {Record<string, string>} */
const TAB_KEYS = { run: "r", board: "b", timeline: "t", history: "h", insights: "i", settings: "s" };

/** Shortcuts that other parts of the page handle. @type {Shortcut[]} */
const ELSEWHERE = [
  { keys: "↑ ↓ ← →", words: "Board, Timeline: from card to card, from bar to bar" },
  { keys: "Shift ← →", words: "Board: carry the card to another status" },
  { keys: "m", words: "Board: the menu of the card" },
  { keys: "1 – 9", words: "Board and Run: the story's place in what runs next" },
  { keys: "u", words: "Board: take the last change back" },
  { keys: "+ −", words: "Timeline: zoom; with Shift and an arrow, pan" },
  { keys: "z n", words: "Timeline: zoom to the chosen command; to the next failure" },
  { keys: "[ ]", words: "Replay: to the change before, to the next" },
];

/** @param {Page} page */
export function createActions(page) {
  const palette = createPalette(() => entries(page, help.open));
  const help = createShortcuts(shortcuts(page, palette.open));
}

/** @param {Page} page @param {() => void} openPalette @returns {Shortcut[]} */
function shortcuts(page, openPalette) {
  const { tabs, router, controls, log, theme, toggle } = page;
  return [
    { keys: "Ctrl K", words: "Find any command, view or story", run: openPalette },
    ...tabs.map((tab) => ({
      keys: `g ${TAB_KEYS[tab]}`,
      words: `Go to ${capitalised(tab)}`,
      run: () => router.go(tab),
    })),
    { keys: "/", words: "Search in this view", run: () => search(page) },
    { keys: "p", words: "Pause or resume", run: toggle },
    { keys: "Space", words: "Pause or resume", run: toggle },
    { keys: "x", words: "Stop…", run: () => !byId("stop").hidden && controls.askStop() },
    { keys: "l", words: "Log: jump to the latest line", run: () => log.latest() },
    { keys: "t", words: "Change the theme", run: () => announce(theme.next()) },
    ...ELSEWHERE,
  ];
}

/** @param {Page} page */
function search({ router, search: fields, log }) {
  const own = fields[router.current.tab];
  if (own) own();
  else onRunTab(router, () => log.filter.focus());
}

/** Runs an action of the log once the Run tab is open. @param {Page["router"]} router @param {() => unknown} run */
function onRunTab(router, run) {
  if (router.current.tab === "run") return run();
  addEventListener("hashchange", () => run(), { once: true });
  router.go("run");
}

/** @param {Page} page @param {() => void} openHelp @returns {Entry[]} */
function entries(page, openHelp) {
  const { controls, notifications } = page;
  return [
    ...controls.entries().map(({ words, run }) => ({ group: "Run", words, run })),
    ...tabEntries(page),
    ...logEntries(page),
    ...themeEntries(page),
    { group: "Page", words: "Desktop notifications on or off", also: "notify bell", run: notifications.toggle },
    { group: "Page", words: "Keyboard shortcuts", keys: "?", also: "help keys", run: openHelp },
    ...storyEntries(page),
  ];
}

/** @param {Page} page @returns {Entry[]} */
function tabEntries({ tabs, router }) {
  return tabs.map((tab) => ({
    group: "Go to",
    words: capitalised(tab),
    keys: `g ${TAB_KEYS[tab]}`,
    also: "go to view tab",
    run: () => router.go(tab),
  }));
}

/** @param {Page} page @returns {Entry[]} */
function logEntries({ router, log }) {
  const onRun = (/** @type {() => unknown} */ run) => () => onRunTab(router, run);
  const showProblems = () => router.go("run", { level: "2" });
  /** @type {[words: string, also: string, run: () => unknown, keys?: string][]} */
  const all = [
    ["Jump to the latest line", "log follow", onRun(() => log.latest()), "l"],
    ["Search the log", "find filter", onRun(() => log.filter.focus()), "/"],
    ["Show problems only", "log errors warnings level filter", showProblems],
    ["Show everything again", "log clear filter", onRun(() => log.filter.clear())],
    ["Copy the lines shown", "log clipboard", onRun(() => log.copyAll())],
  ];
  return all.map(([words, also, run, keys]) => ({ group: "Log", words, also, run, keys }));
}

/** @param {Page} page @returns {Entry[]} */
function themeEntries({ theme }) {
  return THEMES.map((name) => ({
    group: "Theme",
    words: theme.words(name),
    also: "appearance colours",
    run: () => theme.choose(name),
  }));
}

/** @param {Page} page @returns {Entry[]} */
function storyEntries({ stories, openStory }) {
  return stories().map((story) => ({
    group: "Story",
    words: `${shortKey(story.key)} ${story.title || story.key}`,
    also: `${story.key} ${statusText(story.status)} story`,
    run: () => openStory(story.key),
  }));
}

/** @param {string} tab */
function capitalised(tab) {
  return `${tab[0].toUpperCase()}${tab.slice(1)}`;
}
