// @ts-check
/** The head of the left column: why nothing runs now, or what a start would run. */
import { attr, byId, show, text } from "../kit/dom.js";
import { waitText } from "./run-text.js";

/** @typedef {import("../shell/model.js").Model} Model */

/** @returns {import("./run.js").Part} */
export function createLead() {
  return {
    render(model) {
      const { run, ready, replaying } = model;
      const words = idleReason(model);
      text(byId("now-empty"), words);
      show(byId("now-empty"), words !== "");
      const starts = !byId("start-form").hidden;
      text(byId("lead-title"), starts ? "Next run" : "Now");
      show(byId("lead"), ready && !replaying && (starts || words !== ""));
      const view = run.batch ? (run.state === "idle" && run.resumable === null ? "over" : "live") : "new";
      attr(byId("tab-run"), "data-view", view);
    },
  };
}

/** What ends a pause that Resume does not end, by its reason. @type {Record<string, string>} */
const OPENS = { gate: "decide", "take-over": "hand the story back", question: "answer" };

/** Why nothing runs. @param {Model} model */
function idleReason({ run, ready }) {
  if (!ready) return "";
  switch (run.state) {
    case "paused":
      return `Paused. Nothing runs until you ${OPENS[run.reason ?? ""] ?? "press Resume"}.`;
    case "waiting":
      return `${waitText(run.reason)}. It continues by itself.`;
    default:
      return "";
  }
}
