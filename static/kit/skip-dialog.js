// @ts-check
/** The dialog that asks why a story, or several, are skipped: one for the whole page, opened from wherever a story is shown. */
import { catchApiError, post } from "./api.js";
import { attr, h, show, text } from "./dom.js";
import { plural, shortKey } from "./format.js";
import { toast } from "./toast.js";

const title = h("h2", { id: "skip-title" });
const field = h("textarea", { id: "skip-reason", rows: 3, required: true });
const label = h("label", { for: "skip-reason", text: "Why? The reason is shown wherever the story is." });
const wrong = h("p", { class: "wrong", role: "alert", hidden: true });
const send = h("button", { type: "submit", class: "button primary", text: "Skip it" });
const cancel = h("button", { type: "button", class: "button", text: "Cancel" });
const form = h(
  "form",
  { class: "skip-form", novalidate: true },
  title,
  h("p", { text: "No run takes it until you bring it back. A command of it that runs now ends first." }),
  label,
  field,
  wrong,
  h("p", { class: "dialog-foot" }, cancel, send),
);
const dialog = h("dialog", { "aria-labelledby": "skip-title" }, form);
/** @type {string[]} */
let keys = [];
let base = "";

cancel.addEventListener("click", () => dialog.close());
form.addEventListener("submit", (event) => {
  event.preventDefault();
  void submit();
});

/** @param {string | string[]} stories keys, which get the same reason @param {string} [runner] its path, where the page shows several */
export function askSkip(stories, runner = "") {
  keys = [stories].flat();
  base = runner;
  text(title, `Skip ${nameOf(keys)}?`);
  text(send, keys.length > 1 ? "Skip them" : "Skip it");
  field.value = "";
  complain("");
  if (!dialog.isConnected) document.body.append(dialog);
  dialog.showModal();
  field.focus();
}

/** @param {string} story the key of the story @param {string} [runner] its path, where the page shows several */
export async function bringBack(story, runner = "") {
  const request = post(`${runner}/api/stories/${encodeURIComponent(story)}/unskip`);
  const answer = await catchApiError(request, (error) => void toast(error.message, "bad"));
  if (answer) toast(`${shortKey(story)} is back; a run takes it when its turn comes.`, "good");
}

async function submit() {
  const reason = field.value.trim();
  complain(reason ? "" : "Write why first.");
  if (!reason || send.getAttribute("aria-disabled")) return;
  attr(send, "aria-disabled", "true");
  const [stories, runner] = [keys, base];
  const answer = await catchApiError(
    skipAll(stories, reason).finally(() => attr(send, "aria-disabled", null)),
    (error) => complain(error.message),
  );
  if (!answer) return;
  dialog.close();
  const undo = { words: "Bring back", run: () => stories.forEach((story) => void bringBack(story, runner)) };
  const done = stories.length > 1 ? `${nameOf(stories)} are skipped.` : `${nameOf(stories)} is skipped.`;
  toast(answer.note ? `${answer.note}.` : done, "good", [undo]);
}

/** One after the other, the last answer. @param {string[]} stories @param {string} reason */
async function skipAll(stories, reason) {
  let answer = null;
  for (const story of stories) answer = await post(`${base}/api/stories/${encodeURIComponent(story)}/skip`, { reason });
  return answer;
}

/** @param {string[]} stories */
function nameOf(stories) {
  return stories.length === 1 ? shortKey(stories[0]) : plural(stories.length, "story", "stories");
}

/** @param {string} problem "" for none */
function complain(problem) {
  text(wrong, problem);
  show(wrong, problem !== "");
  attr(field, "aria-invalid", problem ? "true" : null);
  if (problem) field.focus();
}
