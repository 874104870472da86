// @ts-check
/** The hints of the operator in the dossier: what was written, which command got it, and the form for another one. */
import { fill, h } from "../kit/dom.js";
import { clock, day } from "../kit/format.js";
import { HintForm } from "../kit/hint-form.js";

/** @typedef {{id: number, text: string, at: number, command_id: number | null, sent_to: number | null}} Hint */

/** @param {string} key @param {(command: number) => boolean} open shows a command of the story */
export function createHints(key, open) {
  const form = new HintForm(key);
  const rows = h("ol", { class: "hints" });
  return {
    el: h("div", {}, rows, form.el),
    /** @param {import("./dossier.js").Dossier} dossier @returns {number} of things to show */
    update({ hints = [], commands = [], status, writable }) {
      fill(rows, ...hints.map((/** @type {Hint} */ hint) => hintRow(hint, commands, open)));
      rows.hidden = hints.length === 0;
      form.update(status === "blocked" && Boolean(writable));
      return hints.length + 1;
    },
  };
}

/** @param {Hint} hint @param {Record<string, any>[]} commands @param {(command: number) => boolean} open */
function hintRow({ text, at, command_id: id, sent_to: receiver }, commands, open) {
  const given = commands.find((command) => command.id === id);
  const use =
    id === null
      ? h("span", { text: "waits for the next command" })
      : h("button", {
          type: "button",
          class: "plain",
          text: `${id === receiver ? "taken by" : "given to"} ${given?.command ?? `command ${id}`}`,
          on: { click: () => open(id) },
        });
  return h(
    "li",
    {},
    h("p", { class: "hint-text", text }),
    h("p", { class: "soft" }, h("time", { text: `${day(at)} ${clock(at)}` }), " · ", use),
  );
}
