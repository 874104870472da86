// @ts-check
/** Everything the page can be told to do, once: by a key, and by name in the command palette. */
import { byId } from "../kit/dom.js";
import { shortKey, statusWords } from "../kit/format.js";
import { announce } from "../kit/toast.js";
import { createPalette } from "./palette.js";
import { createKeys } from "./shortcuts.js";
import { THEMES } from "./theme.js";

/** @typedef {import("./palette.js").Entry} Entry */
/**
 * @typedef {{tabs: readonly string[], route: ReturnType<typeof import("./router.js").createRoute>,
 *   controls: ReturnType<typeof import("../run/controls.js").createControls>, log: import("../run/log.js").Log,
 *   theme: ReturnType<typeof import("./theme.js").createTheme>,
 *   desktop: {toggle: () => unknown}, openStory: (key: string) => void,
 *   stories: () => readonly import("./plan.js").PlanStory[], search: Record<string, () => void>,
 *   toggle: () => unknown}} Page `search`: how to search in tabs other than Run
 */

/** The second key of "go to", by tab. @type {Record<string, string>} */
const GO = { run: "r", board: "b", timeline: "t", history: "h", insights: "i", settings: "s" };

/** @param {Page} page */
export function createCommands(page) {
  const { route, controls, log, theme } = page;

  function search() {
    const own = page.search[route.current.tab];
    if (own) return own();
    if (route.current.tab === "run") return log.filter.focus();
    route.go("run");
    addEventListener("hashchange", () => log.filter.focus(), { once: true });
  }

  const palette = createPalette(entries);
  const help = createKeys([
    { keys: "Ctrl K", words: "Find any command, view or story", run: () => palette.open() },
    ...page.tabs.map((tab) => ({ keys: `g ${GO[tab]}`, words: `Go to ${named(tab)}`, run: () => route.go(tab) })),
    { keys: "/", words: "Search in this view", run: search },
    { keys: "p", words: "Pause or resume", run: page.toggle },
    { keys: "Space", words: "Pause or resume", run: page.toggle },
    { keys: "x", words: "Stop…", run: () => !byId("stop").hidden && controls.askStop() },
    { keys: "l", words: "Log: jump to the latest line", run: () => log.latest() },
    { keys: "t", words: "Change the theme", run: () => announce(theme.next()) },
    { keys: "↑ ↓ ← →", words: "Board, Timeline: from card to card, from bar to bar" },
    { keys: "Shift ← →", words: "Board: carry the card to another status" },
    { keys: "m", words: "Board: the menu of the card" },
    { keys: "u", words: "Board: take the last change back" },
    { keys: "+ −", words: "Timeline: zoom; with Shift and an arrow, pan" },
    { keys: "[ ]", words: "Replay: to the change before, to the next" },
  ]);

  /** @returns {Entry[]} */
  function entries() {
    return [
      ...controls.entries().map(({ words, run }) => ({ group: "Run", words, run })),
      ...page.tabs.map((tab) => ({
        group: "Go to",
        words: named(tab),
        keys: `g ${GO[tab]}`,
        also: "go to view tab",
        run: () => route.go(tab),
      })),
      {
        group: "Log",
        words: "Jump to the latest line",
        keys: "l",
        also: "log follow",
        run: () => onRun(() => log.latest()),
      },
      {
        group: "Log",
        words: "Search the log",
        keys: "/",
        also: "find filter",
        run: () => onRun(() => log.filter.focus()),
      },
      {
        group: "Log",
        words: "Show problems only",
        also: "log errors warnings level filter",
        run: () => route.go("run", { level: "2" }),
      },
      {
        group: "Log",
        words: "Show everything again",
        also: "log clear filter",
        run: () => onRun(() => log.filter.clear()),
      },
      { group: "Log", words: "Copy the lines shown", also: "log clipboard", run: () => onRun(() => log.copyAll()) },
      ...THEMES.map((name) => ({
        group: "Theme",
        words: theme.words(name),
        also: "appearance colours",
        run: () => theme.choose(name),
      })),
      { group: "Page", words: "Desktop notifications on or off", also: "notify bell", run: page.desktop.toggle },
      { group: "Page", words: "Keyboard shortcuts", keys: "?", also: "help keys", run: help.open },
      ...page.stories().map((story) => ({
        group: "Story",
        words: `${shortKey(story.key)} ${story.title || story.key}`,
        also: `${story.key} ${statusWords(story.status)} story`,
        run: () => page.openStory(story.key),
      })),
    ];
  }

  /** @param {() => unknown} run once the Run tab is seen */
  function onRun(run) {
    if (route.current.tab === "run") return run();
    addEventListener("hashchange", () => run(), { once: true });
    route.go("run");
  }
}

/** @param {string} tab */
function named(tab) {
  return `${tab[0].toUpperCase()}${tab.slice(1)}`;
}
