// @ts-check
/** What the plan says about when a story runs and who looks at it, and about the gate of an epic, in words. Pure. */
import { plural } from "../kit/format.js";

/** @typedef {import("../shell/plan.js").PlanFacts} PlanFacts */
/** @typedef {import("../shell/plan.js").Gate} Gate */

/** Keys that are named; the dossier has all of them. */
const NAMED_MOST = 3;

/**
 * The one line of a card: why the story does not start, else where the run will stop for a person, else what its build
 * says of its own work.
 * @param {PlanFacts & {status: string}} story
 * @param {(name: string) => boolean} isStory whether it is the key of a story, else it is the id of an epic
 */
export function cardNote(story, isStory) {
  if (story.status === "parked") return "";
  if (story.status === "done") return story.delivery ? `Delivery: ${story.delivery}.` : buildNote(story);
  if (story.skipped) return `Skipped: ${story.skipped}`;
  if (story.status === "blocked") return story.blocked_reason ?? "";
  if (story.hold) return story.hold;
  if (story.waiting_for?.length)
    return `Waits for ${named(story.waiting_for.map((name) => (isStory(name) ? name : `epic ${name}`)))}.`;
  if (story.leftover) return "Left in an epic that is done: runs only when named.";
  if (story.plan_checkpoint && ["backlog", "ready-for-dev"].includes(story.status))
    return "The run stops for a look at its plan.";
  return story.done_checkpoint ? "The run stops for a look when it is done." : buildNote(story);
}

/** @param {PlanFacts} facts */
function buildNote({ followup_review_recommended: advised, warnings = [] }) {
  if (advised) return "Its build recommends a further review.";
  return warnings.length ? `Its build warns: ${named(warnings)}.` : "";
}

/** @param {PlanFacts} facts @returns {[string, string][]} names and values for the dossier */
export function factRows(facts) {
  const looks = [
    facts.plan_checkpoint && "a person approves its plan before it is built",
    facts.done_checkpoint && "the run pauses when it is done",
  ].filter(Boolean);
  /** @type {[string, string | undefined][]} */
  const rows = [
    ["Called", facts.ref],
    ["Needs", facts.after?.join(", ")],
    ["Waits for", facts.waiting_for?.join(", ")],
    ["Does not start", facts.hold],
    ["Stops", looks.join("; ")],
    ["Risk", facts.risk],
    ["Assigned to", facts.assignee],
    ["Blocked", facts.blocked_reason],
    ["Skipped", facts.skipped],
    ["Its build", facts.followup_review_recommended ? "recommends a further review" : ""],
    ["Warnings", facts.warnings?.join(", ")],
    ["Left over", facts.leftover ? "its epic is done; it runs only when named" : ""],
  ];
  return rows.flatMap(([name, value]) => (value ? [[name, value]] : []));
}

/** The gate of an epic, for its row. @param {Gate | null | undefined} gate @param {(name: string) => boolean} isStory */
export function gateFacts(gate, isStory) {
  if (!gate) return [];
  const called = (/** @type {string} */ name) => (isStory(name) ? name : `epic ${name}`);
  const holds = named(gate.holds.map(called));
  const waits = holds ? `${holds} ${gate.holds.length > 1 ? "wait" : "waits"} for it` : "";
  if (gate.closed) return ["closed"];
  const missing = gate.missing.length ? plural(gate.missing.length, "ticket open", "tickets open") : "all finished";
  const held = gate.waits_for.length ? `opens after ${named(gate.waits_for.map(called))}` : "";
  return [missing, gate.retrospective ? "" : "no retrospective", waits, held].filter(Boolean);
}

/** Whether the operator can close an epic here: everything of it is finished. @param {Gate | null | undefined} gate */
export function isClosable(gate) {
  return Boolean(gate && !gate.closed && !gate.missing.length && gate.finished.length);
}

/** @param {string[]} keys */
function named(keys) {
  const more = keys.length > NAMED_MOST ? ` and ${keys.length - NAMED_MOST} more` : "";
  return keys.slice(0, NAMED_MOST).join(", ") + more;
}
