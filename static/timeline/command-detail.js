// @ts-check
/** What the Timeline tells of one command: its facts, the way to its story, its transcript. */
import { byId, h, icon, show, text } from "../kit/dom.js";
import { clock, count, day, duration, money, shortCommand, shortKey, stopwatch } from "../kit/format.js";
import { resultOf } from "../shell/command-list.js";
import { createTranscript } from "../story/transcript.js";

/** @typedef {import("../shell/command-list.js").Step} Step */

/** @param {(key: string) => void} openStory */
export function createStepDetail(openStory) {
  const root = byId("chart-detail");
  /** @type {Step | null} */
  let shown = null;
  let told = "";
  /** @type {ReturnType<typeof createTranscript> | null} */
  let transcript = null;
  /** @type {HTMLElement | null} */
  let time = null;

  /** @param {number} now */
  function tick(now) {
    if (shown && time && shown.ended_at === null) text(time, `${stopwatch(now - shown.started_at)}, running`);
  }

  return {
    tick,
    hide() {
      shown = null;
      told = "";
      show(root, false);
    },
    /** @param {Step} step @param {(key: string) => string} titleOf */
    show(step, titleOf) {
      const other = step.command_id !== shown?.command_id;
      shown = step;
      const now = JSON.stringify([step, step.story_keys.map(titleOf)]);
      show(root, true);
      if (now === told) return;
      told = now;
      time = h("dd");
      const [top, list] = [head(step, openStory, titleOf), facts(step, time)];
      if (!transcript || other) {
        transcript = createTranscript(step.command_id, step.command);
        root.replaceChildren(top, list, transcript.el);
      } else [top, list].forEach((el, at) => root.children[at].replaceWith(el));
      transcript.setLive(step.ended_at === null);
      tick(Date.now());
    },
  };
}

/** @param {Step} step @param {(key: string) => void} openStory @param {(key: string) => string} titleOf */
function head(step, openStory, titleOf) {
  const { result, glyph, words } = resultOf(step.status);
  const outcome = h(
    "span",
    { class: "command-result" },
    glyph ? icon(glyph) : null,
    [words, step.verdict].filter(Boolean).join(" · "),
  );
  const stories = step.story_keys.map((key) =>
    h("button", {
      type: "button",
      class: "plain",
      text: `${shortKey(key)} ${titleOf(key)}`.trim(),
      on: { click: () => openStory(key) },
    }),
  );
  return h(
    "header",
    { class: "command", "data-result": result },
    h("h2", { text: shortCommand(step.command) }),
    outcome,
    ...stories,
  );
}

/** @param {Step} step @param {HTMLElement} time */
function facts(step, time) {
  if (step.ended_at !== null) text(time, duration(step.ended_at - step.started_at));
  /** @type {[string, string | HTMLElement][]} */
  const all = [
    ["Started", `${day(step.started_at)} ${clock(step.started_at)}`],
    ["Took", time],
    ["Attempt", String(step.attempt)],
    ["Agent", [step.agent, step.model].filter(Boolean).join(", ")],
    ["Tokens", step.tokens === null ? "" : count(step.tokens)],
    ["Cost", step.cost_usd === null ? "" : money(step.cost_usd, step.estimated_usd)],
    ["Runs", step.background ? "in the background" : ""],
    ["Why", step.reason],
  ];
  return h(
    "dl",
    { class: "step-facts" },
    ...all
      .filter(([, value]) => value !== "")
      .map(([name, value]) =>
        h("div", {}, h("dt", { text: name }), typeof value === "string" ? h("dd", { text: value }) : value),
      ),
  );
}
