// @ts-check
/** The button that sends a test to the webhook, or by the command of notifications. */
import { catchApiError, post } from "../kit/api.js";
import { attr, h } from "../kit/dom.js";
import { toast } from "../kit/toast.js";

/** The channel of each setting that has one. @type {Record<string, string>} */
const CHANNELS = { notify_webhook: "webhook", notify_command: "command" };

/** @param {string} name of the setting @returns {HTMLButtonElement | null} */
export function createNoticeTest(name) {
  const channel = CHANNELS[name];
  if (!channel) return null;
  const button = h("button", {
    type: "button",
    class: "button small",
    text: "Send a test",
    "data-verb": true,
    hidden: true,
  });
  attr(button, "aria-label", `Send a test: ${channel}`);
  button.addEventListener("click", () => void send(button, channel));
  return button;
}

/** @param {HTMLElement} button @param {string} channel */
async function send(button, channel) {
  if (button.getAttribute("aria-disabled")) return;
  attr(button, "aria-disabled", "true");
  const request = post("/api/notices/test", { channel }).finally(() => attr(button, "aria-disabled", null));
  const answer = await catchApiError(request, (error) => void toast(error.message, "bad"));
  if (answer) toast(`A test was sent: ${channel}.`, "good");
}
