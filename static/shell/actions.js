// @ts-check
/** The actions of the page: each one is declared once, with its key, and offered by name in the command palette. */
import { byId } from "../kit/dom.js";
import { announce } from "../kit/toast.js";
import { capitalised, createEntries, onRunTab } from "./action-entries.js";
import { createPalette } from "./palette.js";
import { followRowKeys, moveRow } from "./row-keys.js";
import { createShortcuts } from "./shortcuts.js";

/** @typedef {import("./shortcuts.js").Shortcut} Shortcut */
/**
 * @typedef {{tabs: readonly string[], router: ReturnType<typeof import("./router.js").createRouter>,
 *   controls: import("../run/controls.js").Controls, log: import("../run/log.js").Log,
 *   theme: ReturnType<typeof import("./theme.js").createTheme>, notifications: {toggle: () => unknown},
 *   openStory: (key: string) => void, model: () => import("./model.js").Model,
 *   search: Record<string, () => void>, toggle: () => unknown, findSetting: (words: string) => void,
 *   replay: (batch: number) => unknown}} Page
 *   `search`: how to search in tabs other than Run, `toggle` pauses or resumes the run or the replay
 */

/** The second key of "go to", by tab. @type {Record<string, string>} */
const TAB_KEYS = { run: "r", board: "b", timeline: "t", history: "h", insights: "i", settings: "s" };

/** Shortcuts that other parts of the page handle. @type {Shortcut[]} */
const ELSEWHERE = [
  { keys: "↑ ↓ ← →", words: "Board, Timeline: from card to card, from bar to bar" },
  { keys: "Shift ← →", words: "Board: carry the card to another status" },
  { keys: "m", words: "Board: the menu of the card, or of all selected ones" },
  { keys: "x", words: "Board: select the card; with Shift ↑ ↓ more of them, with Ctrl A all" },
  { keys: "f", words: "Board: fold the epic of the card" },
  { keys: "1 – 9", words: "Board and Run: the story's place in what runs next" },
  { keys: "u", words: "Board: take the last change back" },
  { keys: "+ −", words: "Timeline: zoom; with Shift and an arrow, pan" },
  { keys: "z n", words: "Timeline: zoom to the chosen command; to the next failure" },
  { keys: "Shift ↑ ↓", words: "Log: select further lines, for a link to them or to copy them" },
  { keys: "← →", words: "Run: from the output of one lane to the next, side by side" },
  { keys: "[ ]", words: "Replay: to the change before, to the next" },
];

/** @param {Page} page */
export function createActions(page) {
  const palette = createPalette((onMore) => createEntries(page, { openHelp: help.open, tabKeys: TAB_KEYS, onMore }));
  followRowKeys();
  const help = createShortcuts(shortcuts(page, palette.open));
}

/** @param {Page} page @param {() => void} openPalette @returns {Shortcut[]} */
function shortcuts(page, openPalette) {
  const { tabs, router, controls, log, theme, toggle } = page;
  return [
    { keys: "Ctrl K", words: "Find any action, view, setting, story or text", run: openPalette },
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
    {
      keys: "j",
      words: "To the next row: stories, cards, batches, what needs you; Enter opens it",
      run: () => moveRow(1),
    },
    { keys: "k", words: "To the row before", run: () => moveRow(-1) },
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
