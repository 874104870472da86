// @ts-check
/** Where the finished work of a story was delivered: its branch, its request, the checks and the rounds. */
import { h, icon } from "../kit/dom.js";
import { clock, day, plural } from "../kit/format.js";
import { createDeliveryForm } from "../run/delivery-form.js";

/**
 * @typedef {{id: number, branch: string, remote: string, base: string | null, words: string, state: string,
 *   head: string | null, url: string | null, round: number, log: string | null, problem: string | null,
 *   decisions: string[], comments: {text: string, round: number | null, at: number}[], changed_at: number}} Delivery
 */

/** @param {{deliveries?: Delivery[]}} dossier @returns {Node[]} */
export function drawDeliveries({ deliveries: all = [] }) {
  return all.length ? [h("ul", { class: "evidence" }, ...all.map(createDelivery))] : [];
}

/** @param {Delivery} one */
function createDelivery(one) {
  const tone = one.problem ? "warn" : one.state === "merged" || one.state === "pushed" ? "good" : "info";
  const target = one.base ? `${one.branch} for ${one.base}` : one.branch;
  const words = `${target} at ${one.remote}: ${one.words}`;
  const soft = [one.head?.slice(0, 10), `${day(one.changed_at)} ${clock(one.changed_at)}`].filter(Boolean).join(" · ");
  return h(
    "li",
    { "data-tone": tone },
    icon({ warn: "alert", good: "check", info: "clock" }[tone] ?? "clock"),
    h(
      "div",
      { class: "sent-back" },
      h("p", {}, words, h("span", { class: "soft", text: ` · ${soft}` })),
      one.url && h("p", {}, h("a", { href: one.url, target: "_blank", rel: "noopener noreferrer", text: one.url })),
      one.problem && h("p", { class: "hint-text", text: one.problem }),
      one.log && folded("The end of the failed checks", one.log),
      one.comments.length > 0 &&
        folded(plural(one.comments.length, "comment"), one.comments.map(commentText).join("\n\n")),
      one.problem && createDeliveryForm(one.id, one.decisions),
    ),
  );
}

/** @param {Delivery["comments"][0]} comment */
function commentText({ text: words, round }) {
  return `${words}\n(${round ? `round ${round}` : "waits for a round"})`;
}

/** @param {string} title @param {string} words */
function folded(title, words) {
  return h("details", { class: "answer" }, h("summary", { text: title }), h("pre", { text: words }));
}
