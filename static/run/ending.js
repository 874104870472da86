// @ts-check
/** When the batch stops by itself: after its story, after its cycle or at a clock time; chosen in the stop dialog. */
import { byId, show, text } from "../kit/dom.js";
import { hourMinute } from "../kit/format.js";
import { serverNow } from "../kit/server-clock.js";
import { changeQueue } from "./run-queue.js";

const DAY_MS = 86_400_000;
/** What comes to its end first, by the point. @type {Record<string, string>} */
const ENDS = { story: "this story", cycle: "these stories" };

export class Ending {
  #at = /** @type {HTMLInputElement} */ (byId("stop-at"));

  /** @param {HTMLDialogElement} dialog in which it is chosen */
  constructor(dialog) {
    byId("ending-cancel").addEventListener("click", () =>
      changeQueue({ after: null }, "The run continues to its end."),
    );
    dialog.querySelector("form")?.addEventListener("submit", (event) => {
      const isTime = /** @type {HTMLButtonElement | null} */ (event.submitter)?.value === "time";
      const wrong = isTime && !this.#at.value;
      text(byId("stop-at-wrong"), wrong ? "Choose a time first." : "");
      show(byId("stop-at-wrong"), wrong);
      if (wrong) event.preventDefault();
      if (wrong) this.#at.focus();
    });
  }

  /** @param {import("../state.js").RunState} run @param {boolean} canStop */
  render({ queue, state }, canStop) {
    const words = canStop && state !== "stopping" ? endingText(queue, serverNow()) : "";
    text(byId("ending-words"), words);
    show(byId("ending"), words !== "");
    show(byId("stop-later"), state !== "stopping");
  }

  /** @param {string} point story, cycle or time */
  choose(point) {
    if (point !== "time") return changeQueue({ after: point }, `The run stops after ${ENDS[point]}.`);
    const at = nextTime(this.#at.value, serverNow());
    return changeQueue({ after: "time", at }, `The run stops at ${hourMinute(at, serverNow())}.`);
  }
}

/** @param {import("../state.js").Queue} queue @param {number} now */
export function endingText({ after, at }, now) {
  if (after === "time") return at ? `Stops at ${hourMinute(at, now)}.` : "";
  return after ? `Stops after ${ENDS[after]}.` : "";
}

/** The next moment with this time of the clock, in ms. @param {string} clock hours and minutes @param {number} now */
export function nextTime(clock, now) {
  const [hours, minutes] = clock.split(":").map(Number);
  const at = new Date(now).setHours(hours, minutes, 0, 0);
  return at > now ? at : new Date(at + DAY_MS).setHours(hours, minutes, 0, 0);
}
