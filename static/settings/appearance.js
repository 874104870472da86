// @ts-check
/** What this browser alone remembers: the theme, how dense the Board is, whether single keys are shortcuts. */
import { h, show } from "../kit/dom.js";
import { readStored, writeStored } from "../kit/storage.js";

/** @typedef {{id: string, title: string, words: string, choices: string[][], read: () => string, write: (value: string) => void}} Choice */

/** @type {Choice[]} */
const CHOICES = [
  {
    id: "theme",
    title: "Theme",
    words: "Light, dark, or as the system has it.",
    choices: [
      ["system", "as the system"],
      ["light", "light"],
      ["dark", "dark"],
    ],
    read: () => readStored("theme", "system"),
    write: (value) => void dispatchEvent(new CustomEvent("theme", { detail: value })),
  },
  {
    id: "density",
    title: "Density of the Board",
    words: "Small cards show the title and what is wrong. Automatic: small from 60 stories on.",
    choices: [
      ["", "automatic"],
      ["comfortable", "large cards"],
      ["compact", "small cards"],
    ],
    read: () => readStored("board.density", ""),
    write: (value) => writeStored("board.density", value || null),
  },
  {
    id: "single-keys",
    title: "Single-key shortcuts",
    words: "Press ? for their list. Ctrl K works in any case.",
    choices: [
      ["on", "on"],
      ["off", "off"],
    ],
    read: () => readStored("keys", "on"),
    write: (value) => setKeys(value === "on"),
  },
];

export class Appearance {
  #fields = CHOICES.map(createField);
  el = h("section", { class: "setting-group", "aria-label": "Appearance" }, ...this.#fields.map(({ el }) => el));

  /** Shows what is chosen now: other places change it as well. */
  read() {
    for (const field of this.#fields) field.read();
  }

  /** @param {string} query in lower case @returns {boolean} whether something matches */
  filter(query) {
    for (const { el } of this.#fields) show(el, !query || (el.textContent ?? "").toLowerCase().includes(query));
    return this.#fields.some(({ el }) => !el.hidden);
  }
}

/** @param {Choice} choice */
function createField({ id, title, words, choices, read, write }) {
  const select = h("select", { id: `appearance-${id}` });
  select.append(...choices.map(([value, label]) => h("option", { value, text: label })));
  select.addEventListener("change", () => write(select.value));
  const label = h("label", { class: "setting-name", for: select.id, text: title });
  const head = h("div", { class: "setting-head" }, label, h("p", { class: "setting-effect", text: words }));
  return {
    el: h("div", { class: "setting local" }, head, h("div", { class: "setting-body" }, select)),
    read() {
      select.value = read();
    },
  };
}

/** @param {boolean} on */
function setKeys(on) {
  const box = document.getElementById("keys-on");
  if (!(box instanceof HTMLInputElement) || box.checked === on) return;
  box.checked = on;
  box.dispatchEvent(new Event("change"));
}
