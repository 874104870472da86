// @ts-check
/**
 * One setting of the Settings tab: what it does, its value in place, its range, where it comes from, when it applies.
 */
import { attr, h, icon, show, text } from "../kit/dom.js";
import { parse, sourceWords, titleOf, toText, words, yaml } from "./setting-format.js";

/** @typedef {import("./setting-format.js").Setting} Setting */
/** @typedef {ReturnType<typeof createField>} Field */

/** What stands in the place of a text when the default is to hold again. */
const RESET = Symbol("reset");

/** @param {Setting} first @param {() => void} onChange */
export function createField(first, onChange) {
  const id = `setting-${first.name}`;
  const control = first.locked ? null : createControl(first, id);
  const plain = h(first.kind === "mapping" ? "pre" : "p", {
    class: "setting-value",
    tabindex: first.kind === "mapping" ? "0" : null,
    "aria-label": first.kind === "mapping" ? titleOf(first.name) : null,
  });
  const facts = h("p", { class: "setting-facts", id: `${id}-facts` });
  const wrong = h("p", { class: "setting-wrong", id: `${id}-wrong`, hidden: true });
  const news = h("p", { class: "setting-news", hidden: true });
  const lock = h("p", { class: "setting-lock", id: `${id}-lock` }, icon("lock"), h("span"));
  const reset = h("button", {
    type: "button",
    class: "plain",
    text: "Reset to default",
    "aria-label": `Reset ${titleOf(first.name)} to its default`,
  });
  const name = h(control ? "label" : "h4", {
    class: "setting-name",
    for: control ? id : null,
    text: titleOf(first.name),
  });
  const head = h(
    "div",
    { class: "setting-head" },
    name,
    h("code", { text: first.name }),
    h("p", { class: "setting-effect", text: `${first.effect[0].toUpperCase()}${first.effect.slice(1)}.` }),
  );
  const el = h(
    "div",
    { class: "setting", "data-setting": first.name },
    head,
    h("div", { class: "setting-body" }, control ?? plain, facts, wrong, news, lock, reset),
  );
  let setting = first;
  /** What the draft began from, to tell when another page has changed it meanwhile. @type {any} */
  let base = first.value;
  /** @type {string | typeof RESET | null} */
  let draft = null;
  let refused = "";

  const parsed = () => {
    if (draft === null) return { value: undefined, error: null };
    return draft === RESET ? { value: null, error: null } : parse(setting, /** @type {string} */ (draft));
  };
  const changed = () => draft === RESET || (draft !== null && draft.trim() !== toText(setting.value));

  function draw() {
    const { error } = parsed();
    const said = (changed() && error) || refused;
    show(wrong, said !== "" && said !== null);
    text(wrong, said || "");
    if (control) attr(control, "aria-invalid", said ? "true" : null);
    attr(el, "data-changed", changed());
    text(
      facts,
      [
        setting.kind === "mapping" ? "" : setting.allowed[0].toUpperCase() + setting.allowed.slice(1),
        sourceWords(setting),
        setting.kind === "mapping" || setting.source === "default" ? "" : `default ${words(setting, setting.default)}`,
        `takes effect ${setting.applies}`,
      ]
        .filter(Boolean)
        .join(" · "),
    );
    text(plain, setting.kind === "mapping" ? yaml(setting.value ?? {}) || "none" : words(setting, setting.value));
    text(lock.lastElementChild ?? lock, setting.locked ?? "");
    show(lock, setting.locked !== null);
    show(reset, !setting.locked && (setting.source === "file" || changed()));
    text(reset, changed() ? (draft === RESET ? "Keep it" : "Undo") : "Reset to default");
    show(news, draft === RESET || (changed() && toText(base) !== toText(setting.value)));
    text(
      news,
      draft === RESET
        ? `Goes back to the default: ${words(setting, setting.default)}.`
        : `Changed elsewhere meanwhile: it is ${words(setting, setting.value)} now.`,
    );
  }

  /** @param {string | typeof RESET | null} next */
  function set(next) {
    if (draft === null) base = setting.value;
    draft = next;
    refused = "";
    if (control && typeof next !== "string")
      control.value = next === RESET ? toText(setting.default) : toText(setting.value);
    if (!changed()) draft = null;
    draw();
    onChange();
  }

  control?.addEventListener("input", () => set(control.value));
  reset.addEventListener("click", () => {
    set(changed() ? null : RESET);
    control?.focus();
  });

  return {
    el,
    /** @param {Setting} next */
    update(next) {
      setting = next;
      if (draft === null && control && control.value !== toText(next.value)) control.value = toText(next.value);
      if (draft !== null && !changed()) draft = null;
      draw();
    },
    get name() {
      return setting.name;
    },
    /** What is to be saved: undefined when nothing has changed. */
    get change() {
      return changed() ? parsed().value : undefined;
    },
    get changed() {
      return changed();
    },
    get error() {
      return changed() ? parsed().error : null;
    },
    /** The server's sentence about it. @param {string} sentence */
    refuse(sentence) {
      refused = sentence;
      draw();
    },
    discard: () => set(null),
    focus: () => control?.focus(),
  };
}

/** @param {Setting} setting @param {string} id @returns {HTMLInputElement | HTMLSelectElement} */
function createControl(setting, id) {
  const described = { id, name: setting.name, "aria-describedby": `${id}-wrong ${id}-facts` };
  const choices =
    setting.kind === "boolean"
      ? [
          ["true", "on"],
          ["false", "off"],
        ]
      : setting.choices.map((choice) => [choice, choice]);
  const control = choices.length
    ? h("select", described, ...choices.map(([value, said]) => h("option", { value, text: said })))
    : h("input", {
        ...described,
        type: "text",
        inputmode: setting.kind === "integer" ? "numeric" : setting.kind === "number" ? "decimal" : null,
        placeholder: setting.optional ? "none" : null,
        autocomplete: "off",
        spellcheck: "false",
        class: setting.kind === "integer" || setting.kind === "number" ? "short" : "",
      });
  control.value = toText(setting.value);
  return control;
}
