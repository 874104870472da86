// @ts-check
/** One runner in the list: where it is, what it does, how far it is, what it has cost today, what is left of its quota. */
import { attr, h, show, text } from "../kit/dom.js";
import { hourMinute, money, plural, shortCommand, shortKey, stopwatch } from "../kit/format.js";
import { serverNow } from "../kit/server-clock.js";
import { headline } from "../run/run-text.js";
import { currentOperation, fullestWindow, pathOf } from "./runners.js";

/** @typedef {import("./runners.js").Runner} Runner */
/** @typedef {{runner: Runner, needs: number}} RunnerItem */

/** From this share of a usage window on its bar warns. */
const WARNS = 0.8;

export class RunnerRow {
  el;
  #state = h("p", { class: "runner-state" });
  #words = h("span", { dir: "auto" });
  #current = h("p", { class: "runner-current", dir: "auto" });
  #where = h("p", { class: "runner-where", dir: "auto" });
  #needs = h("span", { class: "runner-needs" });
  #done = h("progress", { max: 1, value: 0, "aria-label": "Stories done" });
  #doneWords = h("span");
  #cost = h("b");
  #quota = h("progress", { max: 1, value: 0, "aria-label": "Usage window used" });
  #quotaWords = h("span");
  #quotaFact = h("div", { class: "runner-fact runner-quota" });
  #name = h("a", { class: "runner-name", dir: "auto" });
  /** @type {Runner} */ #runner;

  /** @param {RunnerItem} first */
  constructor({ runner }) {
    this.#runner = runner;
    attr(this.#name, "href", `${pathOf(runner.id)}/`);
    this.#state.append(h("span", { class: "tone-lamp", "aria-hidden": "true" }), this.#words);
    this.#quotaFact.append(h("span", { class: "runner-label", text: "Quota" }), this.#quotaWords, this.#quota);
    this.el = h(
      "li",
      { class: "runner" },
      h("div", { class: "runner-project" }, h("h3", {}, this.#name, this.#needs), this.#where),
      h("div", { class: "runner-does" }, this.#state, this.#current),
      h(
        "div",
        { class: "runner-fact" },
        h("span", { class: "runner-label", text: "Stories" }),
        this.#doneWords,
        this.#done,
      ),
      h("div", { class: "runner-fact runner-cost" }, h("span", { class: "runner-label", text: "Today" }), this.#cost),
      this.#quotaFact,
    );
  }

  /** @param {RunnerItem} item */
  update({ runner, needs }) {
    this.#runner = runner;
    const { info } = runner;
    text(this.#name, info.project);
    text(this.#where, [info.machine, info.branch, shortPath(info.folder)].filter(Boolean).join(" · "));
    attr(this.#where, "title", info.folder);
    show(this.#needs, needs > 0);
    text(this.#needs, needs ? (needs === 1 ? "Needs you" : `Needs you (${needs})`) : "");
    attr(this.el, "data-lost", runner.lost !== null);
    this.#facts(runner);
    this.tick(serverNow());
  }

  /** @param {Runner} runner */
  #facts({ run }) {
    const { done = 0, total = 0, blocked = 0 } = run?.plan ?? {};
    text(this.#doneWords, total ? `${done} of ${total}${blocked ? `, ${blocked} blocked` : ""}` : "–");
    attr(this.#done, "max", Math.max(total, 1));
    attr(this.#done, "value", done);
    text(this.#cost, run ? money(run.limits.today_usd) : "–");
  }

  /** What changes with the time alone. @param {number} now the server's */
  tick(now) {
    const { run, lost, heard_at: heard } = this.#runner;
    const { text: words, tone } = stateOf(this.#runner, now);
    text(this.#words, words);
    attr(this.#state, "data-tone", tone);
    const last = heard ? `Last heard at ${hourMinute(heard, now, true)}.` : "Never heard yet.";
    text(this.#current, lost !== null ? `${last} ${lost}` : run ? currentText(run, now) : "");
    const window = run && fullestWindow(run, now);
    attr(this.#quotaFact, "data-unknown", window === null);
    show(this.#quota, window !== null);
    text(this.#quotaWords, window ? quotaText(window, now) : "–");
    attr(this.#quota, "value", window?.used_fraction ?? 0);
    attr(this.#quota, "data-tone", (window?.used_fraction ?? 0) >= WARNS ? "warn" : null);
  }
}

/** The end of a path, which tells folders of one name apart; the title has all of it. @param {string} path */
export function shortPath(path) {
  const parts = path.split("/").filter(Boolean);
  return parts.length > 3 ? `…/${parts.slice(-2).join("/")}` : path;
}

/** The state in words, as the runner's own page says it. @param {Runner} runner @param {number} now */
export function stateOf({ run, lost }, now) {
  if (lost !== null && !run) return { text: "Not reached", tone: "bad" };
  if (lost !== null) return { text: "Not reached", tone: "warn" };
  if (!run) return { text: "Connecting", tone: "info" };
  return headline(run, run.plan, now);
}

/** The story and command that run now. @param {import("../state.js").RunState} run @param {number} now */
export function currentText(run, now) {
  const current = currentOperation(run);
  if (!current) return "";
  const more = run.operations.length - 1;
  const what = [current.story_key && shortKey(current.story_key), shortCommand(current.command)]
    .filter(Boolean)
    .join(" ");
  const others = more > 0 ? `, and ${plural(more, "other command")}` : "";
  return `${what}, ${stopwatch(now - current.started_at)}${others}`;
}

/** @param {import("../state.js").UsageWindow} window @param {number} now */
function quotaText({ window, used_fraction: used, resets_at: resets }, now) {
  const end = resets ? `, resets ${hourMinute(resets, now)}` : "";
  return `${Math.floor(used * 100 + 1e-6)} % of ${window}${end}`;
}
