// @ts-check
/** The comments with which something was sent back, each with what a review says of it. */
import { h, icon } from "./dom.js";
import { clock, day } from "./format.js";

/** @typedef {{text: string, state: string, words: string, by: string | null}} CommentState */
/** @typedef {{comments: string, at: number, settled_by: string | null, items: CommentState[]}} SentBack */

/** @param {SentBack[]} all @returns {HTMLElement[]} a row for each comment */
export function commentRows(all) {
  return all.flatMap(({ items, at, settled_by }) => {
    const when = `${day(at)} ${clock(at)}`;
    const whole = { text: "Without a comment", state: settled_by ? "answered" : "open", words: "", by: settled_by };
    return (items.length ? items : [whole]).map((comment) => commentRow(comment, when));
  });
}

/** @param {CommentState} comment @param {string} when */
function commentRow({ text, state, words, by }, when) {
  const isAnswered = state === "answered";
  const answer = by ? `${isAnswered ? "answered" : "open"}, says ${by}${words ? `: ${words}` : ""}` : "";
  const facts = h("span", { class: "soft", text: ` · ${when} · ${answer || "waits for the next review"}` });
  return h(
    "li",
    { "data-tone": isAnswered ? "good" : by ? "warn" : "info" },
    icon(isAnswered ? "check" : by ? "alert" : "clock"),
    h("span", { class: "sent-back" }, h("span", { class: "hint-text", text }), facts),
  );
}
