// @ts-check
/**
 * The Board tab: every epic a lane, every status a column, every story a card that shows what its status rests on and
 * what runs on it now. A status is changed by dragging a card, from its menu, or with Shift and an arrow key.
 */

import { byId, list, text } from "../kit/dom.js";
import { plural, statusWords } from "../kit/format.js";
import { STATUSES } from "../shell/plan.js";
import { createBoardFilter, fits } from "./board-filter.js";
import { createBoardKeys } from "./board-keys.js";
import { createDrag } from "./card-drag.js";
import { createColumnHead, createLane } from "./epic-row.js";
import { move } from "./set-status.js";
import { openMenu } from "./status-menu.js";
import { createProblems } from "./tracker-problems.js";

/** @typedef {import("../shell/app.js").Model} Model */
/** @typedef {import("../shell/plan.js").PlanStory} PlanStory */
/** @typedef {import("./story-card.js").Card} Card */
/** @typedef {import("./epic-row.js").Lane} Lane */

/** Columns that are always there; the others only when a story needs them. */
const ALWAYS = ["backlog", "ready-for-dev", "in-progress", "review", "done"];

/** Cards drawn in one frame when the Board is first seen; what is below the fold follows frame by frame. */
const CARDS_PER_FRAME = 80;

/** @param {{openStory: (key: string) => void}} actions */
export function createBoard(actions) {
  const root = byId("lanes");
  const head = list(byId("lanes-head"), (/** @type {{status: string}} */ column) => column.status, createColumnHead);
  const lanes = list(
    root,
    (/** @type {Lane} */ lane) => lane.id,
    (lane) => createLane(lane, actions.openStory),
  );
  const problems = createProblems();
  /** @type {unknown[]} */
  let last = [];
  /** @type {Model | null} */
  let shown = null;
  let most = CARDS_PER_FRAME;
  /** @type {Lane[]} */
  let drawing = [];
  const filter = createBoardFilter(() => shown && draw(shown));
  const keys = createBoardKeys(root, { moveTo, menu });
  createDrag(root, moveTo);

  /**
   * The story whose status is to be changed, if it can be. A word that is not understood is never replaced.
   * @param {string} key
   */
  function target(key) {
    const story = shown && movable(shown) ? shown.plan.byKey.get(key) : null;
    return story && story.status !== "unknown" ? story : null;
  }

  /** @param {string} key @param {string} status */
  async function moveTo(key, status) {
    const story = target(key);
    if (story) await move(story, status);
  }

  /** @param {string} key */
  function menu(key) {
    const story = target(key);
    const button = root.querySelector(`.card[data-key="${CSS.escape(key)}"] .card-move`);
    if (story && button instanceof HTMLElement) openMenu(button, story);
  }

  /** @param {Model} model */
  function draw(model) {
    shown = model;
    const { plan, run } = model;
    const columns = columnsOf(plan.stories);
    filter.offer(
      (plan.sprint?.epics ?? []).map((item) => [item.id, epicName(item)]),
      columns.map((name) => [name, statusWords(name)]),
    );
    const wanted = filter.wanted;
    const held = keys.focused();
    const made = lanesOf(model, columns).map((lane) => ({
      ...lane,
      cards: lane.cards.filter((card) => fits(card.story, wanted)),
    }));
    const visible = made.filter((lane) => lane.cards.length || !(wanted.query || wanted.epic || wanted.status));
    const cards = visible.flatMap((lane) => lane.cards);
    byId("tab-board").style.setProperty("--columns", String(columns.length));
    head.render(
      columns.map((name) => ({ status: name, count: cards.filter((card) => card.story.status === name).length })),
    );
    drawLanes(visible);
    keys.settle();
    if (held && keys.focused() !== held) keys.follow(held);
    problems.render(plan.sprint, plan.stories);
    text(byId("board-counts"), countWords(model, cards.length));
    text(byId("board-empty"), plan.error ?? (plan.sprint && !cards.length ? "No story matches." : ""));
    last = [plan, idsOf(run), model.past];
  }

  /** @param {Lane[]} visible those of the newest drawing */
  function drawMore(visible) {
    if (visible !== drawing) return;
    most += CARDS_PER_FRAME;
    drawLanes(visible);
    keys.settle();
  }

  /** As many lanes as this frame bears; once all have been drawn, all are, always. @param {Lane[]} visible */
  function drawLanes(visible) {
    let cards = 0;
    drawing = visible;
    const fit = visible.findIndex((lane) => (cards += lane.cards.length) > most) + 1 || visible.length;
    lanes.render(visible.slice(0, fit));
    if (fit === visible.length) most = cards ? Infinity : most;
    else requestAnimationFrame(() => drawMore(visible));
  }

  return {
    /** @param {Model} model */
    render(model) {
      if (last[0] === model.plan && last[1] === idsOf(model.run) && last[2] === model.past) return;
      draw(model);
    },
    /** @param {Model} _ @param {number} now */
    tick(_, now) {
      for (const lane of lanes.views()) lane.tick(now);
    },
    focus: () => filter.focus(),
  };
}

/** Whether statuses can be changed: the file may be written, and what is shown is now. @param {Model} model */
function movable({ plan, past }) {
  return !past && (plan.sprint?.project.writable ?? false);
}

/** Which commands run: all that the cards show of them but the time. @param {import("../state.js").RunState} run */
function idsOf(run) {
  return run.operations.map((operation) => operation.command_id).join();
}

/** @param {PlanStory[]} stories */
function columnsOf(stories) {
  const used = new Set(stories.map((story) => story.status));
  return STATUSES.filter((name) => ALWAYS.includes(name) || used.has(name));
}

/** @param {Model} model @param {string[]} columns @returns {Lane[]} */
function lanesOf(model, columns) {
  const { plan, run, past } = model;
  const can = movable(model);
  const running = new Map(run.operations.flatMap((operation) => operation.story_keys.map((key) => [key, operation])));
  const card = (/** @type {PlanStory} */ story) => ({
    story,
    operation: running.get(story.key) ?? null,
    movable: can && story.status !== "unknown",
    past,
  });
  const epics = plan.sprint?.epics ?? [];
  const known = new Set(epics.map((epic) => epic.id));
  const made = epics.map((epic) => {
    const cards = plan.stories.filter((story) => story.epic === epic.id).map(card);
    return {
      id: epic.id,
      name: `Epic ${epic.id}`,
      title: epic.title ?? "",
      facts: epicFacts(epic, cards),
      columns,
      cards,
    };
  });
  const homeless = plan.stories.filter((story) => !story.epic || !known.has(story.epic)).map(card);
  if (homeless.length)
    made.push({
      id: "no-epic",
      name: "No epic",
      title: "",
      facts: plural(homeless.length, "story", "stories"),
      columns,
      cards: homeless,
    });
  const other = plan.sprint?.other ?? [];
  if (other.length) made.push(otherLane(other, columns));
  return made;
}

/**
 * Keys nobody knows the meaning of: shown, never run.
 * @param {{key: string, raw_status: string, line: number | null}[]} other
 * @param {string[]} columns
 * @returns {Lane}
 */
function otherLane(other, columns) {
  const cards = other.map((entry) => ({
    operation: null,
    movable: false,
    past: false,
    story: /** @type {PlanStory} */ ({
      key: entry.key,
      epic: null,
      title: entry.key,
      description: `Status “${entry.raw_status}”${entry.line ? `, line ${entry.line}` : ""}`,
      status: "other",
      raw_status: entry.raw_status,
      runnable: false,
      tasks: null,
      file: null,
      drift: null,
      line: entry.line,
      comment: null,
    }),
  }));
  return {
    id: "other",
    name: "Other",
    title: "Keys that are neither an epic nor a story",
    facts: "never run",
    columns,
    cards,
  };
}

/** @param {import("../shell/plan.js").Epic} epic */
function epicName(epic) {
  return epic.title ? `Epic ${epic.id}: ${epic.title}` : `Epic ${epic.id}`;
}

/** @param {import("../shell/plan.js").Epic} epic @param {Card[]} cards */
function epicFacts(epic, cards) {
  const done = cards.filter((card) => card.story.status === "done").length;
  const retro =
    epic.retrospective && (typeof epic.retrospective === "string" ? epic.retrospective : epic.retrospective.raw_status);
  return [statusWords(epic.status), `${done} of ${cards.length} done`, retro && `retrospective ${retro}`]
    .filter(Boolean)
    .join(" · ");
}

/** @param {Model} model @param {number} shown cards that the filters leave */
function countWords({ plan, counts }, shown) {
  if (!plan.sprint) return "";
  const part = shown < plan.stories.length + plan.sprint.other.length ? `${plural(shown, "card")} shown · ` : "";
  return `${part}${counts.done} of ${plural(counts.total, "story", "stories")} done${counts.blocked ? `, ${counts.blocked} blocked` : ""}`;
}
