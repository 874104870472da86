// @ts-check
/** The decisions about a delivery that waits for the operator. */
import { catchApiError, post } from "../kit/api.js";
import { attr, h } from "../kit/dom.js";
import { toast } from "../kit/toast.js";

/** @type {Record<string, string>} */
const LABELS = { retry: "Try again", stop: "Give up" };

/**
 * The buttons of a delivery; the event of the decision removes them.
 * @param {number} id
 * @param {readonly string[]} decisions
 * @param {string} [base] of its runner
 */
export function createDeliveryForm(id, decisions, base = "") {
  const buttons = decisions.map((decision) =>
    h("button", {
      type: "button",
      class: "button small",
      text: LABELS[decision],
      on: { click: () => decide(decision) },
    }),
  );
  return h("div", { class: "decisions", "data-verb": true }, ...buttons);

  /** @param {string} decision */
  async function decide(decision) {
    if (buttons.some((button) => button.getAttribute("aria-disabled"))) return;
    for (const button of buttons) attr(button, "aria-disabled", "true");
    const request = post(`${base}/api/deliveries/${id}`, { decision }).finally(() => {
      for (const button of buttons) attr(button, "aria-disabled", null);
    });
    const answer = await catchApiError(request, (error) => void toast(error.message, "bad"));
    if (answer) toast(decision === "stop" ? "The delivery is given up." : "The delivery is tried again.", "good");
  }
}
