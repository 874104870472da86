// @ts-check
/** The brief of a batch as a page of one column: what needs you, what is blocked, done, open, what it cost, what is next. */
import { h, icon } from "../kit/dom.js";
import { clock, day, duration, money, partialSum, plural, shortKey, statusText, tokens } from "../kit/format.js";
import { urlParams } from "../kit/url-params.js";

/**
 * @typedef {{action: string, label: string, verb: string, id: string}} Mend
 * @typedef {{story_key: string, title: string, cost_usd: number, is_unpriced: boolean}} Story
 * @typedef {Story & {evidence: string[], has_receipt: boolean}} Done
 * @typedef {Story & {reason: string, since: string, mend: Mend | null}} Blocked
 * @typedef {{kind: string, message: string, mend: Mend | null}} Need
 * @typedef {{usd: number, estimated_usd: number, project_usd: number, unknown: number, commands: number, failed: number,
 *   tokens: number, budget_usd: number | null, forecast_usd: number[] | null, against: string}} Cost
 * @typedef {{started_at: number, seconds: number, waited_s: number, forecast_s: number[] | null, against: string}} Time
 * @typedef {{project: string, batch_id: number, label: string, made_at: number, tone: string, lines: string[],
 *   done: Done[], blocked: Blocked[], open: (Story & {status: string})[], cost: Cost, time: Time, needs: Need[],
 *   next: string[], incidents: {at: number, kind: string, message: string}[], left_out: number}} Brief
 * @typedef {{resume: () => unknown, retryForm: (key: string) => HTMLElement}} BriefActions
 */

/** @type {Record<string, string>} */
const MARKS = { good: "check", warn: "alert", bad: "cross" };

/** @param {Brief} brief @param {BriefActions} actions @returns {Node[]} */
export function briefParts(brief, actions) {
  const [first, ...rest] = brief.lines;
  const { started_at: start } = brief.time;
  const facts = `${brief.label}, begun ${day(start)} ${clock(start)}; as of ${day(brief.made_at)} ${clock(brief.made_at)}`;
  return [
    h("p", { class: "soft", text: facts }),
    h("p", { class: "brief-first", "data-tone": brief.tone }, icon(MARKS[brief.tone]), h("b", { text: first })),
    ...rest.map((text) => h("p", { text })),
    ...section("Needs you", brief.needs, (need) => needItem(need, actions)),
    ...section("Blocked", brief.blocked, (story) => blockedItem(story, actions)),
    ...section("Done", brief.done, doneItem),
    ...section("Begun, and left open", brief.open, openItem),
    ...section("What it cost", costLines(brief), (text) => h("li", { text })),
    ...section("What happened", incidentLines(brief), (text) => h("li", { text })),
    ...section("What happens next", brief.next, (text) => h("li", { text })),
  ];
}

/** @template T @param {string} title @param {T[]} items @param {(item: T) => Node} draw @returns {Node[]} */
function section(title, items, draw) {
  if (!items.length) return [];
  return [h("section", {}, h("h3", { text: title }), h("ul", { class: "brief-list" }, ...items.map(draw)))];
}

/** A story's number and title, whose words its key repeats; it opens the dossier. @param {Story} story */
function name({ story_key: key, title }) {
  const params = urlParams();
  params.set("story", key);
  return h("a", {
    href: `${location.hash.split("?", 1)[0]}?${params}`,
    title: key,
    text: `${title ? shortKey(key) : key} ${title}`.trim(),
  });
}

/** @param {Need} need @param {BriefActions} actions */
function needItem({ message, mend }, { resume }) {
  return h("li", {}, message, mend && verb(mend), mend && needButton(mend, resume));
}

/** @param {Mend} mend @param {() => unknown} resume */
function needButton({ action, label, id }, resume) {
  if (action === "resume")
    return h("button", { type: "button", class: "button small", text: label, on: { click: resume } });
  const href = action === "story" ? `#run?story=${encodeURIComponent(id)}` : "#run";
  return h("a", { class: "button small", href, text: label });
}

/** The command line that does the same. @param {Mend} mend */
function verb({ verb: words }) {
  return h("code", { class: "brief-verb", text: words });
}

/** @param {Blocked} story @param {BriefActions} actions */
function blockedItem(story, { retryForm }) {
  const { reason, since, mend, story_key: key } = story;
  const words = `${since ? ` (${statusText(since)} since)` : ""}: ${reason}`;
  return h("li", {}, name(story), words, mend && verb(mend), mend && retryForm(key));
}

/** What a story cost, as far as that is known. @param {Story} story */
function costOf({ cost_usd: cost, is_unpriced: unpriced }) {
  return partialSum(money(cost), cost, unpriced ? 1 : 0);
}

/** @param {Done} story */
function doneItem(story) {
  const facts = [...story.evidence, story.has_receipt && "receipt kept", costOf(story)].filter(Boolean);
  return h("li", {}, name(story), `: ${facts.join(" · ")}`);
}

/** @param {Story & {status: string}} story */
function openItem(story) {
  return h("li", {}, name(story), `: ${statusText(story.status)} · ${costOf(story)}`);
}

/** @param {Brief} brief */
function costLines({ cost, time }) {
  const usd = partialSum(money(cost.usd, cost.estimated_usd), cost.usd, cost.unknown);
  const waited = time.waited_s >= 60 && `${duration(time.waited_s * 1000)} of it waiting or not running`;
  return [
    [usd, range(cost.against, cost.forecast_usd, money)],
    [cost.budget_usd !== null && `Budget of the batch: ${money(cost.budget_usd)}`],
    [
      plural(cost.commands, "command"),
      cost.failed > 0 && `${cost.failed} of them failed`,
      `${tokens(cost.tokens)} tokens`,
    ],
    [cost.project_usd > 0 && `${money(cost.project_usd)} of it for no single story`],
    [duration(time.seconds * 1000), waited, range(time.against, time.forecast_s, (s) => duration(s * 1000))],
  ].flatMap((parts) => parts.filter(Boolean).join(", ") || []);
}

/** @param {string} against @param {number[] | null} forecast @param {(value: number) => string} words */
function range(against, forecast, words) {
  if (!forecast) return "";
  const [low, high] = forecast.map((value) => words(value)); // `money` has a second parameter
  return against ? `${against} the forecast of ${low} to ${high}` : `the forecast was ${low} to ${high}`;
}

/** @param {Brief} brief */
function incidentLines({ incidents, left_out: more }) {
  const lines = incidents.map(({ at, kind, message }) => `${day(at)} ${clock(at)} ${kind}: ${message}`);
  return more ? [...lines, `${more} more before that`] : lines;
}
