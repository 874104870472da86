// @ts-check
/** The dialog with what a start would send, for what the start form says. */
import { catchApiError, get } from "../kit/api.js";
import { byId, fill, h } from "../kit/dom.js";
import { showPreview } from "./preview-view.js";

/** @param {Record<string, string>} query stories, batch_size, agent, gates */
export async function openPreview(query) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("preview-dialog"));
  const content = byId("preview-content");
  fill(content, h("p", { class: "empty", text: "Loading" }));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  const preview = await catchApiError(get(`/api/preview?${new URLSearchParams(query)}`), (error) => {
    fill(content, h("p", { class: "wrong", role: "alert", text: error.message }));
    return null;
  });
  if (preview) showPreview(content, preview);
}
