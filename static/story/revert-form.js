// @ts-check
/** Taking back the newest commit of a story: a further commit, and the status that the story has then. */
import { catchApiError, post } from "../kit/api.js";
import { attr, h, show, text } from "../kit/dom.js";
import { shortKey, statusText } from "../kit/format.js";
import { toast } from "../kit/toast.js";

/** The statuses that a story may have then, the usual one first. */
const STATUSES = ["ready-for-dev", "backlog", "in-progress", "review", "blocked"];

/** @param {string} key @returns {HTMLElement} */
export function createRevertForm(key) {
  const select = h("select", { id: "revert-status" });
  select.append(...STATUSES.map((status) => h("option", { value: status, text: statusText(status) })));
  const send = h("button", { type: "submit", class: "button small", text: "Revert the newest commit" });
  const wrong = h("p", { class: "wrong", role: "alert", hidden: true });
  const note =
    "A further commit takes back what it changed. Nothing is reset, and the plan and the story's file stay as they are.";
  const fields = h("p", { class: "revert-fields" }, h("label", { for: select.id, text: "The story is then" }), select);
  const form = h(
    "form",
    { class: "revert-form", "data-verb": true },
    h("p", { class: "soft", text: note }),
    fields,
    send,
    wrong,
  );
  const el = h("details", { class: "revert" }, h("summary", { text: "Revert the newest commit…" }), form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (send.getAttribute("aria-disabled")) return;
    attr(send, "aria-disabled", "true");
    show(wrong, false);
    const work = post(`/api/stories/${encodeURIComponent(key)}/revert`, { status: select.value });
    const done = await catchApiError(work, (error) => {
      text(wrong, error.message);
      show(wrong, true);
      return null;
    });
    attr(send, "aria-disabled", null);
    if (!done) return;
    el.open = false;
    toast(`${done.reverted.slice(0, 10)} is reverted; ${shortKey(key)} is ${statusText(done.status)}.`, "good");
    el.querySelector("summary")?.focus();
  });
  return el;
}
