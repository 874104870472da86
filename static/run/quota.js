// @ts-check
/** Gauges of the usage windows of accounts: how much of each is used, and when it opens again. */
import { attr, h, list, show, text } from "../kit/dom.js";
import { plural, remaining, shortClock } from "../kit/format.js";

/** @typedef {import("../state.js").UsageWindow} UsageWindow */
/** @typedef {UsageWindow & {label: string, words: string}} Gauge */

/** From this share on a gauge warns. */
const WARNS = 0.8;
/** From then on what is left of a window is in days, in ms. */
const DAYS_FROM = 48 * 3_600_000;
/** A report without a time of reset is not shown longer, in ms. */
const UNTIMED_MS = 5 * 3_600_000;

/** A window as it is now: one that has been reset since is unused. @param {UsageWindow} window @param {number} now @returns {Gauge} */
function gaugeOf(window, now) {
  const { account, window: name, resets_at: resets } = window;
  const isOver = resets !== null && resets <= now;
  const used = isOver ? 0 : window.used_fraction;
  const end = isOver ? "was reset" : resets ? `resets ${resetText(resets, now)}` : "";
  const words = [`${Math.floor(used * 100 + 1e-6)} %`, end].filter(Boolean).join(", ");
  return { ...window, used_fraction: used, label: `${account}, ${name}`, words };
}

/** "in 40 min (14:00)", "in 3 days". @param {number} at @param {number} now */
function resetText(at, now) {
  const left = at - now;
  if (left > DAYS_FROM) return `in ${plural(Math.round(left / 86_400_000), "day")}`;
  return `${remaining(at, now)} (${shortClock(at)})`;
}

/** @param {UsageWindow} window @param {number} now */
function isKnown({ resets_at: resets, at, window }, now) {
  return resets === null ? now - at < UNTIMED_MS : window !== "limit" || resets > now;
}

/**
 * @param {HTMLElement} root a list, in the element that is hidden while nothing is known
 * @param {boolean} newest only the windows of the account that was reported last
 * @returns {import("./run.js").Part & {tick: (model: import("../shell/model.js").Model, now: number) => void}}
 */
export function createGauges(root, newest) {
  const gauges = list(root, (/** @type {Gauge} */ { label }) => label, createGauge);
  /** @param {import("../shell/model.js").Model} model @param {number} now */
  function render({ run }, now) {
    const known = run.quota.filter((window) => isKnown(window, now));
    const last = known.reduce((a, b) => (b.at > a.at ? b : a), known[0]);
    const shown = newest ? known.filter(({ account }) => account === last.account) : known;
    gauges.render(shown.map((window) => gaugeOf(window, now)));
    const frame = root.parentElement ?? root;
    // A wait for the limit is the headline itself, with its end.
    const isHeadline = newest && run.state === "waiting" && run.reason === "usage-limit";
    show(frame, shown.length > 0 && !isHeadline);
    if (newest && last) text(frame.firstElementChild ?? frame, last.account);
  }
  return { render, tick: render };
}

/** @param {Gauge} first */
function createGauge({ label, window: name, account }) {
  const bar = h("progress", { max: 1, "aria-label": `${label}: used` });
  const words = h("span", { class: "gauge-words" });
  const title = h("b", {}, name, h("span", { class: "gauge-account", text: ` ${account}` }));
  return {
    el: h("li", { class: "gauge" }, title, bar, words),
    /** @param {Gauge} gauge */
    update(gauge) {
      const { used_fraction: used } = gauge;
      attr(bar, "value", used);
      attr(bar, "aria-valuetext", gauge.words);
      attr(bar, "data-tone", used >= 1 ? "bad" : used >= WARNS ? "warn" : null);
      text(words, gauge.words);
    },
  };
}
