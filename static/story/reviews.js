// @ts-check
/** The reviews of a story, round by round: verdict, counts, findings, and what was no longer found. */
import { attr, h, icon, list, show, text } from "../kit/dom.js";
import { clock, plural } from "../kit/format.js";
import { resultOf } from "../shell/command-list.js";

/** @typedef {{text: string, severity: string, again: boolean}} Finding */
/**
 * @typedef {{command_id: number, command: string, batch_id: number, attempt: number, status: string, readable: boolean,
 *   verdict: string, reason: string, background: boolean, ended_at: number | null,
 *   counts: {critical: number, high: number, medium: number, low: number} | null, findings: Finding[], gone:
 * Finding[]}} Round
 * @typedef {{kind: string, rounds: Round[]}} Review
 */

/** @type {Record<string, string>} */
const KINDS = {
  "story-review": "Review of the story",
  "tech-spec-review": "Review of the tech spec",
  "code-review": "Code review",
};
/** How grave a verdict is. @type {Record<string, string>} */
const GRAVITY = { critical: "bad", high: "bad", medium: "hold", low: "hold" };

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
    (round) => createRound(round, openCommand),
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

/** @param {Round} first @param {(commandId: number) => void} openCommand */
function createRound(first, openCommand) {
  const verdict = h("b", { class: "verdict" });
  const counts = h("span", { class: "soft" });
  const when = h("span", { class: "soft" });
  const link = h("button", {
    type: "button",
    class: "plain",
    text: first.command,
    on: { click: () => openCommand(first.command_id) },
  });
  const reason = h("p", { class: "command-reason" });
  const findings = h("ul", { class: "findings" });
  const gone = h("ul", { class: "findings gone" });
  const el = h(
    "li",
    { class: "round" },
    h("p", { class: "round-head" }, link, verdict, counts, when),
    reason,
    findings,
    gone,
  );
  let drawn = "";
  return {
    el,
    /** @param {Round} round */
    update(round) {
      const now = JSON.stringify(round);
      if (now === drawn) return;
      drawn = now;
      attr(el, "data-tone", toneOf(round));
      text(verdict, round.readable ? round.verdict : round.status === "success" ? "" : resultOf(round.status).words);
      text(counts, countWords(round));
      text(
        when,
        [
          round.attempt > 1 && `attempt ${round.attempt}`,
          round.background && "in the background",
          round.ended_at && clock(round.ended_at),
        ]
          .filter(Boolean)
          .join(" · "),
      );
      text(reason, round.readable ? "" : round.reason);
      show(reason, Boolean(reason.textContent));
      findings.replaceChildren(
        ...round.findings.map((finding) => createFinding(finding, finding.again ? "found again" : "")),
      );
      gone.replaceChildren(...round.gone.map((finding) => createFinding(finding, "no longer found")));
    },
  };
}

/** @param {Round} round */
function toneOf({ readable, status, verdict }) {
  if (!readable) return status === "running" ? "live" : "bad";
  return GRAVITY[verdict.toLowerCase()] ?? "good";
}

/** @param {Round} round */
function countWords({ counts, findings, gone, readable }) {
  if (!readable) return "";
  const said = counts
    ? Object.entries(counts)
        .filter(([, number]) => number)
        .map(([name, number]) => `${number} ${name}`)
        .join(", ")
    : "";
  const own = said || (findings.length ? plural(findings.length, "finding") : "nothing found");
  return gone.length ? `${own}, ${gone.length} no longer found` : own;
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
