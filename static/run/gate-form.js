// @ts-check
/** The decisions at a gate, with room for what is to be different when the work is sent back. */
import { catchApiError, post } from "../kit/api.js";
import { attr, h, show, text } from "../kit/dom.js";
import { toast } from "../kit/toast.js";
import { GateReview } from "./gate-review.js";

/** @typedef {import("../state.js").Attention} Attention */
/** @typedef {{path: string, line: number, text: string}} LineComment */

/** The labels of the decisions. @type {Record<string, string>} */
const DECISIONS = { go: "Continue", back: "Send back", skip: "Skip it", stop: "Stop the run" };
/** A comment about one line: `path:12: text`. */
const ABOUT_LINE = /^(\S+):([1-9]\d{0,8}):\s+(\S.*)$/;

/** The label of a decision; that of an epic says what it does. @param {string} decision @param {Attention} item */
export function decisionLabel(decision, { story_key }) {
  return decision === "go" && story_key === null ? "Close epic" : DECISIONS[decision];
}

/**
 * What was written, as the server takes it: lines that name a place, and the rest.
 * @param {string} words
 * @returns {{text: string, comments: LineComment[]}}
 */
export function readComments(words) {
  const lines = words.split("\n");
  const places = lines.map((line) => line.trim().match(ABOUT_LINE));
  const rest = lines.filter((_, index) => !places[index]);
  const comments = places.flatMap((found) =>
    found ? [{ path: found[1], line: Number(found[2]), text: found[3] }] : [],
  );
  return { text: rest.join("\n").trim(), comments };
}

/** The form of a gate; the event of the decision removes it. @param {Attention} item */
export function createGateForm(item) {
  const decisions = item.decisions ?? [];
  const id = `gate-${item.gate_id}-${item.at}`;
  const review = item.story_key ? new GateReview(item.story_key, item.base) : null;
  const placeholder = "What should be different? A line may name its place: src/app.py:12: …";
  const field = h("textarea", { id, rows: 2, placeholder, "data-verb": true });
  const label = h("label", { class: "unseen", for: id, text: `Comments to send back with: ${item.message}` });
  const wrong = h("p", { class: "wrong", role: "alert", hidden: true });
  const buttons = decisions.map((decision, index) => {
    const kind = index === 0 ? "button small primary" : "button small";
    const button = h("button", { type: "button", class: kind, text: decisionLabel(decision, item) });
    button.addEventListener("click", () => void decide(item, decision, field, wrong, buttons, review?.comments ?? []));
    return button;
  });
  const comments = decisions.includes("back") ? [label, field] : [];
  return h(
    "div",
    { class: "gate" },
    review?.el,
    ...comments,
    h("div", { class: "decisions", "data-verb": true }, ...buttons),
    wrong,
  );
}

/**
 * @param {Attention} item @param {string} decision @param {HTMLTextAreaElement} field @param {HTMLElement} wrong
 * @param {HTMLElement[]} buttons
 * @param {LineComment[]} written beside lines
 */
async function decide(item, decision, field, wrong, buttons, written) {
  const words = field.value.trim();
  const refusal = refusalOf(decision, words || written.length ? "comments" : "");
  show(wrong, refusal !== "");
  text(wrong, refusal);
  attr(field, "aria-invalid", refusal ? "true" : null);
  if (refusal) return field.focus();
  if (buttons.some((button) => button.getAttribute("aria-disabled"))) return;
  for (const button of buttons) attr(button, "aria-disabled", "true");
  const fields = decision === "back" ? withComments(readComments(words), written) : {};
  const request = post(`${item.base ?? ""}/api/gates/${item.gate_id}`, { decision, ...fields }).finally(() => {
    for (const button of buttons) attr(button, "aria-disabled", null);
  });
  const answer = await catchApiError(request, (error) => void toast(error.message, "bad"));
  if (answer) toast("Decided; the run continues with it.", "good");
}

/** @param {{text: string, comments: LineComment[]}} typed @param {LineComment[]} written beside lines */
function withComments({ text: words, comments }, written) {
  return { text: words, comments: [...written, ...comments] };
}

/** Why a decision is not sent: nothing that was written is lost by a wrong button. @param {string} decision @param {string} words */
export function refusalOf(decision, words) {
  if (decision === "go" && words) return "Comments go with “Send back”; remove them to continue without.";
  return "";
}
