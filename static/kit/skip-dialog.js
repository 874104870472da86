// @ts-check
/** The dialog that asks why a story is put aside: one for the whole page, opened from wherever a story is shown. */
import { catchApiError, post } from "./api.js";
import { attr, h, show, text } from "./dom.js";
import { shortKey } from "./format.js";
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
let key = "";
let base = "";

cancel.addEventListener("click", () => dialog.close());
form.addEventListener("submit", (event) => {
  event.preventDefault();
  void submit();
});

/** @param {string} story the key of the story @param {string} [runner] its path, where the page shows several */
export function askSkip(story, runner = "") {
  key = story;
  base = runner;
  text(title, `Skip ${shortKey(story)}?`);
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
  const request = post(`${base}/api/stories/${encodeURIComponent(key)}/skip`, { reason });
  const answer = await catchApiError(
    request.finally(() => attr(send, "aria-disabled", null)),
    (error) => complain(error.message),
  );
  if (!answer) return;
  dialog.close();
  const [story, runner] = [key, base];
  const undo = { words: "Bring back", run: () => void bringBack(story, runner) };
  toast(answer.note ? `${answer.note}.` : `${shortKey(key)} is skipped.`, "good", [undo]);
}

/** @param {string} problem "" for none */
function complain(problem) {
  text(wrong, problem);
  show(wrong, problem !== "");
  attr(field, "aria-invalid", problem ? "true" : null);
  if (problem) field.focus();
}
