// @ts-check
/** The files as they were before a command, as a new branch: a name is proposed, one that exists is refused. */
import { catchApiError, post } from "../kit/api.js";
import { attr, h, show, text } from "../kit/dom.js";
import { toast } from "../kit/toast.js";

/** @param {{id: number, branch: string}} command @returns {HTMLElement} */
export function createBranchForm({ id, branch }) {
  const field = h("input", {
    type: "text",
    id: `branch-${id}`,
    value: branch,
    spellcheck: "false",
    autocomplete: "off",
  });
  const send = h("button", { type: "submit", class: "button small", text: "Make the branch" });
  const wrong = h("p", { class: "wrong", role: "alert", hidden: true });
  const note = "The files as they were, in a branch of their own. Your work tree and HEAD stay as they are.";
  const label = h("label", { for: field.id, text: "Name" });
  const fields = h("p", { class: "revert-fields" }, label, field);
  const form = h("form", { class: "revert-form" }, h("p", { class: "soft", text: note }), fields, send, wrong);
  const el = h(
    "details",
    { class: "revert", "data-verb": true },
    h("summary", { text: "Branch from before this command" }),
    form,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (send.getAttribute("aria-disabled")) return;
    attr(send, "aria-disabled", "true");
    show(wrong, false);
    const made = await catchApiError(post(`/api/commands/${id}/branch`, { name: field.value.trim() }), (error) => {
      text(wrong, error.message);
      show(wrong, true);
      return null;
    });
    attr(send, "aria-disabled", null);
    if (!made) return field.focus();
    el.open = false;
    toast(`The branch ${made.branch} is made.`, "good");
    el.querySelector("summary")?.focus();
  });
  return el;
}
