// @ts-check
/** The reviews of a story, round by round: verdict, counts, findings, and what was no longer found. */
import { attr, fill, h, icon, list, show, text } from "../kit/dom.js";
import { clock, plural } from "../kit/format.js";
import { resultOf } from "../shell/command-list.js";

/** @typedef {{text: string, severity: string, again: boolean}} Finding */
/**
 * @typedef {{command_id: number, command: string, batch_id: number, attempt: number, status: string, readable: boolean,
 *   verdict: string, reason: string, background: boolean, ended_at: number | null,
 *   counts: {critical: number, high: number, medium: number, low: number} | null, findings: Finding[],
 *   gone: Finding[]}} Round
 * @typedef {{kind: string, rounds: Round[]}} Review
 */

/** @type {Record<string, string>} */
const KINDS = {
  "story-review": "Review of the story",
  "tech-spec-review": "Review of the tech spec",
  "code-review": "Code review",
};
/** How grave a verdict is. @type {Record<string, string>} */
const GRAVITY = { critical: "bad", high: "bad", medium: "warn", low: "warn" };

/** @param {(commandId: number) => void} openCommand */
export function createReviews(openCommand) {
  const el = h("div", { class: "reviews" });
  const reviews = list(
    el,
    (/** @type {Review} */ review) => review.kind,
    (review) => createReview(review, openCommand),
  );
  return {
    el,
    /** @param {Review[]} all */
    update: (all) => reviews.render(all),
  };
}

/** @param {Review} first @param {(commandId: number) => void} openCommand */
function createReview(first, openCommand) {
  const number = h("span", { class: "soft" });
  const rounds = h("ol", { class: "rounds" });
  const el = h("section", { class: "kind" }, h("h4", {}, `${KINDS[first.kind] ?? first.kind} `, number), rounds);
  const rows = list(
    rounds,
    (/** @type {Round} */ round) => round.command_id,
    (round) => new RoundView(round, openCommand),
  );
  return {
    el,
    /** @param {Review} review */
    update(review) {
      text(number, plural(review.rounds.length, "round"));
      rows.render(review.rounds);
    },
  };
}

class RoundView {
  el;
  #verdict = h("b", { class: "verdict" });
  #counts = h("span", { class: "soft" });
  #when = h("span", { class: "soft" });
  #reason = h("p", { class: "command-reason" });
  #findings = h("ul", { class: "findings" });
  #gone = h("ul", { class: "findings gone" });
  #drawn = "";

  /** @param {Round} round @param {(commandId: number) => void} openCommand */
  constructor({ command, command_id: id }, openCommand) {
    const link = h("button", { type: "button", class: "plain", text: command, on: { click: () => openCommand(id) } });
    const head = h("p", { class: "round-head" }, link, this.#verdict, this.#counts, this.#when);
    this.el = h("li", { class: "round" }, head, this.#reason, this.#findings, this.#gone);
  }

  /** @param {Round} round */
  update(round) {
    const content = JSON.stringify(round);
    if (content === this.#drawn) return;
    this.#drawn = content;
    attr(this.el, "data-tone", toneOf(round));
    text(this.#verdict, verdictText(round));
    text(this.#counts, countText(round));
    text(this.#when, whenText(round));
    text(this.#reason, round.readable ? "" : round.reason);
    show(this.#reason, Boolean(this.#reason.textContent));
    const findings = round.findings.map((finding) => createFinding(finding, finding.again ? "found again" : ""));
    fill(this.#findings, ...findings);
    fill(this.#gone, ...round.gone.map((finding) => createFinding(finding, "no longer found")));
  }
}

/** @param {Round} round */
function verdictText({ readable, verdict, status }) {
  if (readable) return verdict;
  return status === "success" ? "" : resultOf(status).words;
}

/** @param {Round} round */
function whenText({ attempt, background, ended_at: end }) {
  const facts = [attempt > 1 && `attempt ${attempt}`, background && "in the background", end && clock(end)];
  return facts.filter(Boolean).join(" · ");
}

/** @param {Round} round */
function toneOf({ readable, status, verdict }) {
  if (!readable) return status === "running" ? "live" : "bad";
  return GRAVITY[verdict.toLowerCase()] ?? "good";
}

/** @param {Round} round */
function countText({ counts, findings, gone, readable }) {
  if (!readable) return "";
  const bySeverity = Object.entries(counts ?? {})
    .filter(([, number]) => number)
    .map(([name, number]) => `${number} ${name}`);
  const all = findings.length ? plural(findings.length, "finding") : "nothing found";
  const found = bySeverity.join(", ") || all;
  return gone.length ? `${found}, ${gone.length} no longer found` : found;
}

/** @param {Finding} finding @param {string} note */
function createFinding({ text: words, severity }, note) {
  const mark = note === "no longer found" ? icon("check") : null;
  const badge = severity ? h("span", { class: "severity", "data-severity": severity, text: severity }) : null;
  return h(
    "li",
    {},
    mark,
    badge,
    h("span", { class: "finding" }, words, note ? h("span", { class: "soft", text: ` · ${note}` }) : null),
  );
}
