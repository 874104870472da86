// @ts-check
/**
 * The control of the setting `commands`: a row for each command with its agent and models. Empty fields are those of the
 * batch, so that only what differs is in the file.
 */
import { fill, h } from "../kit/dom.js";
import { shortCommand } from "../kit/format.js";
import { canonical } from "./setting-format.js";

/** @typedef {{agent?: string | string[] | null, model?: string | null, light_model?: string | null}} Entry */
/** @typedef {HTMLElement & {value: string, offer: (commands: string[]) => void}} CommandsTable */

/** The fields of a row beside the agent; only reviews change over to a light model. @type {[string, string][]} */
const MODELS = [
  ["model", "Model"],
  ["light_model", "Light model"],
];

/**
 * It has a `value` as a field has: its mapping as JSON. Its changes come as `input` of its fields.
 * @param {string[]} agents
 */
export function createCommandsTable(agents) {
  const body = h("tbody");
  const heads = ["Command", "Agent", ...MODELS.map(([, label]) => label)];
  const head = h("thead", {}, h("tr", {}, ...heads.map((label) => h("th", { scope: "col", text: label }))));
  const el = h(
    "div",
    { class: "commands-table" },
    h("table", { "aria-label": "Agent and model of each command" }, head, body),
  );
  /** @type {Record<string, Entry>} */
  let entries = {};
  /** The commands of the workflow. @type {string[]} */
  let offered = [];

  function draw() {
    const names = [...new Set([...offered, ...Object.keys(entries)])];
    fill(body, ...names.map((name) => createRow(name, entries[name] ?? {}, agents, (entry) => change(name, entry))));
  }

  /** @param {string} name @param {Entry} entry */
  function change(name, entry) {
    entries = { ...entries, [name]: entry };
  }

  Object.defineProperties(el, {
    value: {
      get: () => canonical(entries),
      set(/** @type {string} */ value) {
        entries = JSON.parse(value || "{}");
        draw();
      },
    },
    offer: {
      value(/** @type {string[]} */ commands) {
        if (commands.join() === offered.join()) return;
        offered = commands;
        draw();
      },
    },
    focus: { value: () => el.querySelector("select")?.focus() },
  });
  return /** @type {CommandsTable} */ (/** @type {unknown} */ (el));
}

/** @param {string} name @param {Entry} entry @param {string[]} agents @param {(entry: Entry) => void} change */
function createRow(name, entry, agents, change) {
  let now = entry;
  const agent = createAgent(name, entry, agents, (value) =>
    set({ agent: value.includes(", ") ? value.split(", ") : value }),
  );

  /** @param {Entry} part */
  function set(part) {
    now = { ...now, ...part };
    change(now);
  }

  const models = MODELS.map(([key, label]) => {
    if (key === "light_model" && !/review/.test(name) && !entry.light_model) return h("td");
    const value = /** @type {any} */ (entry)[key] ?? "";
    const input = h("input", { type: "text", value, placeholder: "the agent’s", "aria-label": `${label} of ${name}` });
    for (const [option, text] of Object.entries({ autocomplete: "off", spellcheck: "false" }))
      input.setAttribute(option, text);
    input.addEventListener("input", () => set({ [key]: input.value.trim() }));
    return h("td", { "data-label": label }, input);
  });
  const head = h("th", { scope: "row", title: name, text: shortCommand(name) });
  return h("tr", { "data-command": name }, head, h("td", { "data-label": "Agent" }, agent), ...models);
}

/** @param {string} name @param {Entry} entry @param {string[]} agents @param {(value: string) => void} change */
function createAgent(name, { agent }, agents, change) {
  const value = Array.isArray(agent) ? agent.join(", ") : (agent ?? "");
  const choices = [...new Set(["", ...agents, value])];
  const options = choices.map((choice) => h("option", { value: choice, text: choice || "the batch’s" }));
  const select = h("select", { "aria-label": `Agent of ${name}` }, ...options);
  select.value = value;
  select.addEventListener("input", () => change(select.value));
  return select;
}
