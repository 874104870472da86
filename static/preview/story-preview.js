// @ts-check
/** What would be sent for one story, in its dossier: its next commands, or one command that is chosen. */
import { get } from "../kit/api.js";
import { createDisclosure } from "../kit/disclosure.js";
import { h } from "../kit/dom.js";
import { showPreview } from "./preview-view.js";

/** @param {string} key */
export function createStoryPreview(key) {
  const id = "story-preview-command";
  const select = h("select", { id }, h("option", { value: "", text: "As its status says" }));
  const again = h("button", { type: "button", class: "button small", text: "Read again" });
  const head = h("div", { class: "sent-choice" }, h("label", { for: id, text: "Command" }), select, again);
  const content = h("div", {});
  const fold = createDisclosure({
    class: "sent-all",
    summary: ["Prompts, command lines and limits of its next commands"],
    load: async () => {
      const query = new URLSearchParams({ stories: key, ...(select.value && { command: select.value }) });
      const preview = await get(`/api/preview?${query}`);
      if (select.options.length === 1)
        select.append(
          ...preview.commands.map((/** @type {string} */ name) => h("option", { value: name, text: name })),
        );
      showPreview(content, preview);
      return [head, content];
    },
  });
  select.addEventListener("change", () => fold.reload());
  again.addEventListener("click", () => fold.reload());
  return { el: fold.el };
}
