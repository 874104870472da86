// @ts-check
/** The rows of the Board: which epics there are, in which order, and which cards are in them. Pure. */
import { plural, statusText } from "../kit/format.js";
import { isReader } from "../kit/role.js";
import { STATUSES } from "../shell/plan.js";
import { matchesFilter } from "./board-filter.js";
import { sorted } from "./board-sort.js";
import { SMALL } from "./folds.js";
import { cardNote, gateFacts, isClosable } from "./plan-facts.js";

/** @typedef {import("../shell/model.js").Model} Model */
/** @typedef {import("../shell/plan.js").PlanStory} PlanStory */
/** @typedef {import("../shell/plan.js").Epic} Epic */
/** @typedef {import("./story-card.js").Card} Card */
/** @typedef {import("./epic-row.js").EpicRow} EpicRow */
/** @typedef {import("./board-filter.js").Filter} Filter */
/** @typedef {{key: string, raw_status: string, line: number | null}} OtherKey of the status file */

/** Statuses of work that is under way, or waits for a person. */
const BUSY = new Set(["in-progress", "review", "blocked"]);
/** Cards that a column of an epic shows on a large board; the others on request, those that are done first of all. */
const SHOWN_MOST = 6;
const DONE_MOST = 3;

/** The statuses that some of the cards have, in their order. @param {Card[]} cards */
export function columnsOf(cards) {
  const used = new Set(cards.map((card) => card.story.status));
  return STATUSES.filter((name) => used.has(name));
}

/** Whether statuses can be changed: the file may be written, and the live state is shown. @param {Model} model */
export function isWritable({ plan, replaying }) {
  return !replaying && !isReader && (plan.sprint?.project.writable ?? false);
}

/** @param {Epic} epic */
export function epicName(epic) {
  return epic.title ? `Epic ${epic.id}: ${epic.title}` : `Epic ${epic.id}`;
}

/** The epics with those of their cards that match. @param {Model} model @param {Filter} filter */
export function epicRowsOf(model, filter) {
  const { plan } = model;
  const { epics, other } = plan.sprint ?? { epics: [], other: [] };
  const isStory = (/** @type {string} */ name) => plan.byKey.has(name);
  const closable = isWritable(model) && model.run.state === "idle";
  const cards = groupedCards(model, new Set(epics.map((epic) => epic.id)));
  const rows = epics.map((epic) => epicRow(epic, cards.get(epic.id) ?? [], closable, isStory));
  const rest = cards.get(null) ?? [];
  if (rest.length) rows.push(createRow("no-epic", "No epic", "", rest, plural(rest.length, "story", "stories")));
  if (other.length) rows.push(otherRow(other));
  const matching = rows.map((row) => ({ ...row, cards: matchingCards(row.cards, filter) }));
  return matching.filter((row) => row.cards.length || !(filter.query || filter.epic || filter.status));
}

/** How many cards a column shows before the rest is asked for. @param {Model} model @param {string} status @param {boolean} filtered */
export function mostIn({ plan }, status, filtered) {
  if (filtered || plan.stories.length <= SMALL) return Infinity;
  return status === "done" ? DONE_MOST : SHOWN_MOST;
}

/** @param {Card[]} cards @param {Filter} filter */
function matchingCards(cards, filter) {
  return sorted(
    cards.filter((card) => matchesFilter(card.story, filter)),
    filter.sort,
  );
}

/** The cards by epic; those of none, or of one that is not known, by null. @param {Model} model @param {Set<string>} known */
function groupedCards(model, known) {
  const make = cardMaker(model);
  /** @type {Map<string | null, Card[]>} */
  const groups = new Map();
  for (const story of model.plan.stories) {
    const id = story.epic && known.has(story.epic) ? story.epic : null;
    const group = groups.get(id);
    if (group) group.push(make(story));
    else groups.set(id, [make(story)]);
  }
  return groups;
}

/** @param {Model} model @returns {(story: PlanStory) => Card} */
function cardMaker(model) {
  const { run, plan, replaying } = model;
  const writable = isWritable(model);
  const running = new Map(run.operations.flatMap((operation) => operation.story_keys.map((key) => [key, operation])));
  const waits = new Set(run.cycles.flatMap((cycle) => (cycle.waits ? cycle.story_keys : [])));
  const placeNote = (/** @type {string} */ key) => (waits.has(key) ? "Waits for a place on a worker." : "");
  return (story) => ({
    story,
    operation: running.get(story.key) ?? null,
    movable: writable && story.status !== "unknown",
    selectable: !replaying && !isReader,
    selected: false,
    replaying,
    note: running.has(story.key) ? "" : placeNote(story.key) || cardNote(story, (name) => plan.byKey.has(name)),
  });
}

/** @param {string} id @param {string} name @param {string} title @param {Card[]} cards @param {string} facts @returns {EpicRow} */
function createRow(id, name, title, cards, facts) {
  const statuses = cards.map((card) => card.story.status);
  return {
    id,
    name,
    title,
    cards,
    facts,
    note: "",
    statuses,
    closable: false,
    done: false,
    busy: cards.some((card) => card.operation || BUSY.has(card.story.status)),
    count: cards.length,
    folded: false,
    columns: [],
  };
}

/**
 * @param {Epic} epic @param {Card[]} cards @param {boolean} canClose
 * @param {(name: string) => boolean} isStory
 * @returns {EpicRow}
 */
function epicRow(epic, cards, canClose, isStory) {
  const finished = cards.every(({ story }) => story.status === "done" || story.status === "parked");
  return {
    ...createRow(epic.id, `Epic ${epic.id}`, epic.title ?? "", cards, epicFacts(epic, cards, isStory)),
    note: earlierNote(cards),
    closable: canClose && isClosable(epic.gate),
    done: cards.length ? finished : epic.status === "done",
  };
}

/** Stories that were done before the runner came are said once, not on each card. @param {Card[]} cards */
function earlierNote(cards) {
  const before = cards.filter(({ story }) => story.standing?.before).length;
  if (!before) return "";
  return `${before === cards.length ? "Done" : `${before} done`} before Sprint Runner came: nothing of it is proved here.`;
}

/** Keys without a known meaning: shown, never run. @param {OtherKey[]} other @returns {EpicRow} */
function otherRow(other) {
  const cards = other.map((entry) => ({
    operation: null,
    movable: false,
    selectable: false,
    selected: false,
    replaying: false,
    note: "",
    story: otherStory(entry),
  }));
  return createRow("other", "Other", "Keys that are neither an epic nor a story", cards, "never run");
}

/** @param {OtherKey} entry @returns {PlanStory} */
function otherStory({ key, raw_status, line }) {
  return {
    key,
    epic: null,
    title: key,
    description: `Status “${raw_status}”${line ? `, line ${line}` : ""}`,
    status: "other",
    raw_status,
    runnable: false,
    tasks: null,
    file: null,
    drift: null,
    line,
    comment: null,
  };
}

/** @param {Epic} epic @param {Card[]} cards @param {(name: string) => boolean} isStory */
function epicFacts({ status, retrospective, gate }, cards, isStory) {
  const done = cards.filter((card) => card.story.status === "done").length;
  const retro = typeof retrospective === "string" ? retrospective : retrospective?.raw_status;
  const facts = [
    statusText(status),
    `${done} of ${cards.length} done`,
    retro && `retrospective ${retro}`,
    ...gateFacts(gate, isStory),
  ];
  return facts.filter(Boolean).join(" · ");
}
