// @ts-check
/** The control of the agents that take over one from another: a field for each, in their order, and one for the next. */
import { fill, h } from "../kit/dom.js";

/**
 * It has a `value` as a field has: the names, with commas between them. Its changes come as `input` of its fields.
 * @param {string[]} choices
 * @param {Record<string, string>} props of the first field
 */
export function createAgentOrder(choices, props) {
  const el = h("div", { class: "agent-order", role: "group", "aria-label": "Agents in their order" });
  /** @type {string[]} */
  let names = [];

  /** @param {string} name @param {number} place */
  function createField(name, place) {
    const free = choices.filter((choice) => choice === name || !names.includes(choice));
    const options = place ? ["", ...free] : free;
    const label = place ? { "aria-label": `While those before it wait: agent ${place + 1}` } : props;
    const field = h("select", label, ...options.map((value) => h("option", { value, text: value || "no other" })));
    field.value = name;
    field.addEventListener("input", () => {
      names = [...names.slice(0, place), field.value, ...names.slice(place + 1)].filter(Boolean);
      draw();
      fieldAt(Math.min(place, names.length)).focus(); // the one that was drawn in its place
    });
    return field;
  }

  /** @param {number} place @returns {HTMLSelectElement} */
  function fieldAt(place) {
    return el.querySelectorAll("select")[place];
  }

  function draw() {
    const more = names.length < choices.length ? [""] : [];
    fill(
      el,
      ...[...names, ...more].flatMap((name, place) => [
        place ? h("span", { class: "agent-then", "aria-hidden": "true", text: "then" }) : null,
        createField(name, place),
      ]),
    );
  }

  const control = Object.defineProperties(el, {
    value: {
      get: () => names.join(", "),
      set(/** @type {string} */ value) {
        names = value.split(", ").filter(Boolean);
        draw();
      },
    },
    focus: { value: () => fieldAt(0).focus() },
  });
  return /** @type {HTMLElement & {value: string}} */ (/** @type {unknown} */ (control));
}
