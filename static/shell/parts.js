// @ts-check
/** The parts of the page that load on use: each names its module and how it is made. */
import { Lazy, lazyFailure } from "../kit/lazy.js";
import { toast } from "../kit/toast.js";
import { LateTab } from "./late-tab.js";

/**
 * @typedef {{current: () => import("./model.js").Model, requestFrame: () => void,
 *   replayLines: (lines: import("../run/log-line.js").Line[] | null) => void, resume: () => unknown,
 *   askTrust: () => Promise<string | null>, go: (tab: string) => void, openStory: (key: string) => void,
 *   closeStory: () => void, closeBrief: () => unknown}} Page
 */

/** @param {Page} page */
export function createParts(page) {
  const replay = createReplay(page);
  const tabs = createTabs(page, async (id) => {
    await useOrTell(replay, (loaded) => loaded.open(id).then(() => page.go("run")));
  });
  const dialogs = createDialogs(page);
  const planMaker = new Lazy(
    () => import("../planning/plan-maker.js"),
    ({ PlanMaker }) => new PlanMaker(page.askTrust),
  );
  return {
    replay,
    planMaker,
    tabs,
    ...dialogs,
    /** In the order in which they are most likely wanted. @type {Lazy<any, any>[]} */
    all: [dialogs.storyDialog, ...Object.values(tabs), dialogs.briefDialog, replay],
  };
}

/** @param {Page} page */
function createReplay({ current, requestFrame, replayLines }) {
  return new Lazy(
    () => import("../history/replay.js"),
    ({ Replay }) => new Replay({ current, onFrame: requestFrame, onLines: replayLines }),
  );
}

/** @param {Page} page @param {(id: number) => Promise<void>} openReplay */
function createTabs({ openStory, requestFrame }, openReplay) {
  return {
    board: new LateTab(
      "board",
      () => import("../board/board.js"),
      ({ Board }) => new Board({ openStory }),
      requestFrame,
    ),
    timeline: new LateTab(
      "timeline",
      () => import("../timeline/timeline.js"),
      ({ Timeline }) => new Timeline({ openStory }),
      requestFrame,
    ),
    history: new LateTab(
      "history",
      () => import("../history/history.js"),
      ({ History }) => new History({ replay: openReplay }),
      requestFrame,
    ),
    insights: new LateTab(
      "insights",
      () => import("../insights/insights.js"),
      ({ Insights }) => new Insights(),
      requestFrame,
    ),
    settings: new LateTab(
      "settings",
      () => import("../settings/settings.js"),
      ({ Settings }) => new Settings(),
      requestFrame,
    ),
  };
}

/** @param {Page} page */
function createDialogs({ closeStory, closeBrief, resume }) {
  return {
    storyDialog: new Lazy(
      () => import("../story/story.js"),
      ({ StoryDialog }) => new StoryDialog(closeStory),
    ),
    briefDialog: new Lazy(
      () => import("../brief/brief-dialog.js"),
      ({ BriefDialog }) => new BriefDialog(closeBrief, { resume }),
    ),
  };
}

/**
 * Uses a part, or says why it cannot be loaded.
 * @template T
 * @param {Lazy<any, T>} part
 * @param {(part: T) => unknown} run
 */
export async function useOrTell(part, run) {
  if (!(await part.use(run))) toast(lazyFailure(), "bad");
}
