// @ts-check
/** The rows of the Board: which epics there are, which columns, and which cards are in them. Pure. */
import { plural, statusText } from "../kit/format.js";
import { isReader } from "../kit/role.js";
import { STATUSES } from "../shell/plan.js";
import { cardNote, gateFacts, isClosable } from "./plan-facts.js";

/** @typedef {import("../shell/model.js").Model} Model */
/** @typedef {import("../shell/plan.js").PlanStory} PlanStory */
/** @typedef {import("../shell/plan.js").Epic} Epic */
/** @typedef {import("./story-card.js").Card} Card */
/** @typedef {import("./epic-row.js").EpicRow} EpicRow */
/** @typedef {{key: string, raw_status: string, line: number | null}} OtherKey of the tracker */

/** Columns that are always shown; the others only when a story needs them. */
const ALWAYS = ["backlog", "ready-for-dev", "in-progress", "review", "done"];

/** @param {PlanStory[]} stories */
export function columnsOf(stories) {
  const used = new Set(stories.map((story) => story.status));
  return STATUSES.filter((name) => ALWAYS.includes(name) || used.has(name));
}

/** Whether statuses can be changed: the file may be written, and the live state is shown. @param {Model} model */
export function isWritable({ plan, replaying }) {
  return !replaying && !isReader && (plan.sprint?.project.writable ?? false);
}

/** @param {Epic} epic */
export function epicName(epic) {
  return epic.title ? `Epic ${epic.id}: ${epic.title}` : `Epic ${epic.id}`;
}

/** @param {Model} model @param {string[]} columns @returns {EpicRow[]} */
export function epicRowsOf(model, columns) {
  const { plan } = model;
  const card = cardMaker(model);
  const { epics, other } = plan.sprint ?? { epics: [], other: [] };
  const known = new Set(epics.map((epic) => epic.id));
  const cardsOf = (/** @type {Epic} */ epic) => plan.stories.filter((story) => story.epic === epic.id).map(card);
  const closable = isWritable(model) && model.run.state === "idle";
  const rows = epics.map((epic) => epicRow(epic, cardsOf(epic), columns, closable, (name) => plan.byKey.has(name)));
  const rest = plan.stories.filter((story) => !story.epic || !known.has(story.epic)).map(card);
  if (rest.length) rows.push(restRow(rest, columns));
  if (other.length) rows.push(otherRow(other, columns));
  return rows;
}

/** @param {Model} model @returns {(story: PlanStory) => Card} */
function cardMaker(model) {
  const { run, plan, replaying } = model;
  const writable = isWritable(model);
  const running = new Map(run.operations.flatMap((operation) => operation.story_keys.map((key) => [key, operation])));
  return (story) => ({
    story,
    operation: running.get(story.key) ?? null,
    movable: writable && story.status !== "unknown",
    replaying,
    note: running.has(story.key) ? "" : cardNote(story, (name) => plan.byKey.has(name)),
  });
}

/**
 * @param {Epic} epic @param {Card[]} cards @param {string[]} columns @param {boolean} canClose
 * @param {(name: string) => boolean} isStory
 * @returns {EpicRow}
 */
function epicRow(epic, cards, columns, canClose, isStory) {
  const { id, title } = epic;
  const facts = epicFacts(epic, cards, isStory);
  return {
    id,
    name: `Epic ${id}`,
    title: title ?? "",
    facts,
    columns,
    cards,
    closable: canClose && isClosable(epic.gate),
  };
}

/** Stories of no epic that the tracker has. @param {Card[]} cards @param {string[]} columns @returns {EpicRow} */
function restRow(cards, columns) {
  const facts = plural(cards.length, "story", "stories");
  return { id: "no-epic", name: "No epic", title: "", facts, columns, cards, closable: false };
}

/**
 * Keys without a known meaning: shown, never run.
 * @param {OtherKey[]} other
 * @param {string[]} columns
 * @returns {EpicRow}
 */
function otherRow(other, columns) {
  return {
    id: "other",
    name: "Other",
    title: "Keys that are neither an epic nor a story",
    facts: "never run",
    closable: false,
    columns,
    cards: other.map((entry) => ({
      operation: null,
      movable: false,
      replaying: false,
      note: "",
      story: otherStory(entry),
    })),
  };
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
