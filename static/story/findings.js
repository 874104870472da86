// @ts-check
/** What a review found: the numbers by severity, each finding, and what the round before had found and this one not. */
import { h, icon } from "../kit/dom.js";
import { plural } from "../kit/format.js";
import { inlineMarkdown } from "./inline-markdown.js";

/** @typedef {{text: string, severity: string, again: boolean}} Finding */
/**
 * @typedef {{command_id: number, readable: boolean, verdict: string, status: string,
 *   counts: {critical: number, high: number, medium: number, low: number} | null, findings: Finding[],
 *   gone: Finding[]}} Round
 */

/** How grave a verdict is. @type {Record<string, string>} */
const GRAVITY = { critical: "bad", high: "bad", medium: "warn", low: "warn" };

/** The tone of a round, "" where it has no verdict. @param {Round} round */
export function toneOf({ readable, verdict }) {
  return readable ? (GRAVITY[verdict.toLowerCase()] ?? "good") : "";
}

/** @param {Round} round */
export function countText({ counts, findings, gone, readable }) {
  if (!readable) return "";
  const bySeverity = Object.entries(counts ?? {})
    .filter(([, number]) => number)
    .map(([name, number]) => `${number} ${name}`);
  const all = findings.length ? plural(findings.length, "finding") : "nothing found";
  const found = bySeverity.join(", ") || all;
  return gone.length ? `${found}, ${gone.length} no longer found` : found;
}

/** @param {Round} round @returns {Node[]} */
export function findingLists({ findings, gone }) {
  const rows = findings.map((finding) => createFinding(finding, finding.again ? "found again" : ""));
  const old = gone.map((finding) => createFinding(finding, "no longer found"));
  return [
    rows.length ? h("ul", { class: "findings" }, ...rows) : "",
    old.length ? h("ul", { class: "findings gone" }, ...old) : "",
  ].filter((node) => node instanceof Node);
}

/** @param {Finding} finding @param {string} note */
function createFinding({ text: words, severity }, note) {
  const mark = note === "no longer found" ? icon("check") : null;
  const badge = severity ? h("span", { class: "severity", "data-severity": severity, text: severity }) : null;
  const more = note ? h("span", { class: "soft", text: ` · ${note}` }) : null;
  return h("li", { dir: "auto" }, mark, badge, h("span", { class: "finding" }, ...inlineMarkdown(words), more));
}
