// @ts-check
/** What would be sent: cycles, commands in their order, and of each the exact call, with buttons that copy it. */
import { fill, h, icon, text } from "../kit/dom.js";
import { basisText, forecastText } from "../kit/forecast-text.js";
import { money, shortKey } from "../kit/format.js";
import { copyText } from "../run/log-detail.js";

/**
 * @typedef {{agent: string, kind: string, model: string | null, program: string | null, argv: string[],
 *   command_line: string, options_by_help: string[], cwd: string, environment: {own: string[], inherited: string[]},
 *   session: string, session_id: string | null, stdin: string, prompt: string, prompt_source: string, hints: number,
 *   limits: {timeout_min: number, silence_min: number, attempts: number, budget_usd: number | null}}} Call
 * @typedef {{command: string, story_keys: string[], phase: string, attempt: number, condition: string,
 *   together: boolean, by: string, state: string, unknown: string[], problem: string | null, call: Call | null}} Step
 * @typedef {{state: string, story_keys: string[], steps: Step[], gates: {message: string}[]}} Cycle
 * @typedef {{agent: string, workflow: string, workflow_reason: string, refusals: string[], notes: string[],
 *   commands: string[], cycles: Cycle[], later: string[],
 *   forecast: import("../kit/forecast-text.js").Forecast | null}} Preview of `GET /api/preview`
 */

/** How a program gets its prompt. @type {Record<string, string>} */
const WAYS = {
  stdin: "on standard input",
  messages: "as a message on standard input",
  dialogue: "over the Agent Client Protocol",
};

/** @type {Record<string, string>} */
const TITLES = { running: "The group that runs", begun: "The group that was interrupted" };

/** Shows a preview in an element. @param {HTMLElement} el @param {Preview} preview */
export function showPreview(el, preview) {
  const why = preview.workflow_reason ? ` (${preview.workflow_reason})` : "";
  const empty = !preview.cycles.length && h("p", { class: "empty", text: "Nothing would run." });
  const later = preview.later.length > 0 && h("p", { class: "soft", text: `Then: ${keysText(preview.later)}` });
  fill(
    el,
    h("p", { class: "soft", text: `Agent ${preview.agent}, workflow ${preview.workflow}${why}. Nothing is started.` }),
    ...preview.refusals.map((words) => warning(`A start would be refused: ${words}`)),
    ...forecastParts(preview.forecast),
    ...preview.notes.map((words) => h("p", { text: words })),
    empty,
    ...preview.cycles.map(createCycle),
    later,
  );
}

/** @param {Preview["forecast"]} forecast */
function forecastParts(forecast) {
  if (!forecast?.stories) return [];
  const basis = h("span", { class: "soft", text: basisText(forecast) });
  return [h("p", { class: "forecast" }, h("span", { text: `${forecastText(forecast)}.` }), " ", basis)];
}

/** @param {string} words */
function warning(words) {
  return h("p", { class: "sent-warning", "data-tone": "warn" }, icon("alert"), h("span", { text: words }));
}

/** @param {string[]} keys */
function keysText(keys) {
  return keys.map(shortKey).join(", ");
}

/** @param {Cycle} cycle */
function createCycle({ state, story_keys: keys, steps, gates }) {
  const title = `${TITLES[state] ?? "Next group"}: ${keysText(keys)}`;
  const stops = gates.map(({ message }) => h("p", { class: "soft" }, icon("ask"), ` Gate: ${message}`));
  return h(
    "section",
    { class: "sent-cycle" },
    h("h4", { text: title }),
    ...stops,
    h("ol", { class: "sent-steps" }, ...steps.map((step) => h("li", {}, createStep(step)))),
  );
}

/** @param {Step} step */
function createStep(step) {
  const facts = [
    keysText(step.story_keys),
    step.call?.model,
    step.attempt > 1 && `attempt ${step.attempt}`,
    step.together && "together with the one before it",
    step.by === "runner" && "by the runner itself, without an agent",
    step.state === "running" && "runs now",
  ];
  const words = [
    h("b", { text: step.command }),
    h("span", { class: "soft", text: ` ${facts.filter(Boolean).join(" · ")}` }),
    step.condition && h("span", { class: "sent-condition", text: ` ${step.condition}` }),
  ];
  const { call } = step;
  const problem = step.problem && step.state !== "running" && h("p", { class: "soft", text: step.problem });
  if (!call) return h("div", { class: "sent-line" }, h("p", {}, ...words), problem);
  const body = h("div", { class: "sent-body" });
  const el = h("details", { class: "sent-line" }, h("summary", {}, ...words), body);
  el.addEventListener("toggle", () => el.open && !body.hasChildNodes() && fill(body, ...callParts(step, call)));
  return el;
}

/** @param {Step} step @param {Call} call @returns {Node[]} */
function callParts({ command, unknown }, call) {
  const byHelp = call.options_by_help.join(", ");
  const from = `from ${call.prompt_source}, ${WAYS[call.stdin] ?? call.stdin}`;
  return [
    ...unknown.map((words) => h("p", { class: "soft", text: `Not known yet: ${words}.` })),
    copied("Command line", call.command_line, `${command}: command line copied`),
    ...(byHelp ? [h("p", { class: "soft", text: `And, where the program's help lists them: ${byHelp}` })] : []),
    factList(call),
    copied("Prompt", call.prompt, `${command}: prompt copied`, from),
  ];
}

/** @param {Call} call */
function factList(call) {
  const { limits, environment } = call;
  const left = limits.budget_usd === null ? "" : `, ${money(limits.budget_usd)} are left`;
  const times = `${limits.timeout_min} min, ${limits.silence_min} min of silence`;
  const rows = [
    ["Agent", `${call.agent} (${call.kind})`],
    ["Model", call.model ?? "the agent's own"],
    ["Program", call.program ?? "not found"],
    ["Folder", call.cwd],
    ["Session", call.session_id === null ? "new" : `continued: ${call.session_id}`],
    ["Limits", `${times}, ${limits.attempts} ${limits.attempts === 1 ? "attempt" : "attempts"}${left}`],
    ["Variables", `${environment.own.join(", ")}, and ${environment.inherited.length} inherited`],
  ];
  return h(
    "dl",
    { class: "sent-facts" },
    ...rows.flatMap(([name, value]) => [h("dt", { text: name }), h("dd", { text: value })]),
  );
}

/** A text with a button that copies it. @param {string} title @param {string} words @param {string} done @param {string} [note] */
function copied(title, words, done, note = "") {
  const caption = h("span", { text: "Copy" });
  // Notes are drawn behind a dialog, so the button says it as well.
  const click = async () => text(caption, (await copyText(words, done)) ? "Copied" : "Not allowed");
  const button = { type: "button", class: "button small", "aria-label": `Copy the ${title.toLowerCase()}` };
  return h(
    "div",
    { class: "sent-text" },
    h(
      "div",
      { class: "sent-text-head" },
      h("h5", { text: title }),
      note && h("span", { class: "soft", text: note }),
      h("button", { ...button, on: { click } }, icon("copy"), caption),
    ),
    h("pre", { tabindex: "0", role: "region", "aria-label": title, text: words }),
  );
}
