// @ts-check
/** Taking a story over and handing it back: the requests, and what is shown while a story is the operator's. */
import { catchApiError, post } from "./api.js";
import { attr, h, show, text } from "./dom.js";
import { plural, shortKey } from "./format.js";
import { toast } from "./toast.js";

/** @typedef {{story_key: string, state: string, message: string, command_line: string | null}} TakeOver */

/** @param {string} key @param {string} verb @param {string} base of the story's runner */
function ask(key, verb, base) {
  const request = post(`${base}/api/stories/${encodeURIComponent(key)}/${verb}`);
  return catchApiError(request, (error) => void toast(error.message, "bad"));
}

/** @param {string} key of the story @param {string} [base] of its runner */
export async function takeOver(key, base = "") {
  const answer = await ask(key, "take-over", base);
  if (answer) toast(`${shortKey(key)} is being given to you; how to go on is shown with it.`, "good");
}

/** @param {string} key of the story @param {string} [base] of its runner */
export async function handBack(key, base = "") {
  const answer = await ask(key, "hand-back", base);
  if (!answer) return;
  const files = answer.files_changed;
  toast(`${shortKey(key)} is handed back${files === null ? "" : `: you changed ${plural(files, "file")}`}.`, "good");
}

/** What the operator does with a story that was taken over. @param {TakeOver} first @param {string} [base] of its runner */
export function createTakeOver(first, base = "") {
  const key = first.story_key;
  const line = h("code", { class: "terminal-line", tabindex: "0", "aria-label": "Command line for your terminal" });
  const copy = h("button", { type: "button", class: "button small", text: "Copy" });
  copy.addEventListener("click", () => copyText(line));
  const done = h("button", { type: "button", class: "button small primary", text: "Done" });
  attr(done, "aria-label", `Done: hand ${shortKey(key)} back`);
  done.addEventListener("click", async () => {
    if (done.getAttribute("aria-disabled")) return;
    attr(done, "aria-disabled", "true");
    await handBack(key, base);
    attr(done, "aria-disabled", null);
  });
  const el = h("div", { class: "takeover" }, line, h("div", { class: "decisions", "data-verb": true }, copy, done));
  /** @param {TakeOver} now */
  const update = ({ state, command_line }) => {
    text(line, command_line ?? "");
    for (const part of [line, copy]) show(part, Boolean(command_line));
    show(done, state === "taken");
  };
  update(first);
  return { el, update };
}

/** Copies a text, or selects it where the browser lets no page write to the clipboard. @param {HTMLElement} el */
async function copyText(el) {
  try {
    await navigator.clipboard.writeText(el.textContent ?? "");
    toast("Copied.", "good");
  } catch {
    getSelection()?.selectAllChildren(el);
    toast("The line is selected: copy it with your keys.", "good");
  }
}

/**
 * The take-overs of a story in its dossier: each with its change once it was handed back.
 * @param {any[]} all newest last
 * @param {(one: any) => Node} change the disclosure of a change
 */
export function takeOverRows(all, change) {
  return all.map((one) => {
    if (one.state !== "returned") return h("li", {}, h("p", { text: one.message }), createTakeOver(one).el);
    const words = one.files_changed === null ? "What changed could not be measured." : "You changed it by hand.";
    return one.diff ? h("li", {}, change(one)) : h("li", {}, h("p", { text: words }));
  });
}
