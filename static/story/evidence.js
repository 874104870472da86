// @ts-check
/** What the status rests on: the sentences of the server, each with the mark of its tone. */
import { h, icon } from "../kit/dom.js";
import { inlineMarkdown } from "./inline-markdown.js";

/** The mark of each tone. @type {Record<string, string>} */
const MARKS = { good: "check", info: "clock", warn: "alert", bad: "cross" };
/** Those that speak against the status come first. */
const ORDER = ["bad", "warn", "good", "info"];

/** @typedef {{tone: string, text: string}} Sentence */

/** @param {import("./dossier.js").Dossier} dossier @returns {Node[]} */
export function evidenceRows({ evidence: all = [], problems = [] }) {
  /** @type {Sentence[]} */
  const odd = problems.map((/** @type {string} */ words) => ({ tone: "warn", text: `In its file: ${words}` }));
  const sorted = [...all, ...odd].sort((a, b) => ORDER.indexOf(a.tone) - ORDER.indexOf(b.tone));
  return sorted.map(({ tone, text }) =>
    h("li", { "data-tone": tone }, icon(MARKS[tone]), h("span", { dir: "auto" }, ...inlineMarkdown(text))),
  );
}
