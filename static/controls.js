// @ts-check
/** The operator's verbs: start, pause, resume, stop. Only what is possible is offered; a refusal is said in place. */
import { ApiError, post } from "./api.js";
import { attr, byId, show, text } from "./dom.js";
import { recall, remember } from "./memory.js";
import { toast } from "./notice.js";
import { offered } from "./words.js";

/** @typedef {import("./app.js").Model} Model */
/** @typedef {import("./words.js").Verb} Verb */

/** The bounds of a batch, as the server has them. */
const MOST_CYCLES = 1000;

/** @param {() => Model} current */
export function createControls(current) {
  /** @type {Verb | null} */
  let busy = null;
  const dialog = /** @type {HTMLDialogElement} */ (byId("stop-dialog"));

  let state = "";

  /** @param {Model} model @param {boolean} replaying the past cannot be changed */
  function render({ run, ready, link }, replaying) {
    if (state !== run.state) refuse("");
    state = run.state;
    const verbs = ready && !link.lost && !replaying ? offered(run) : [];
    show(byId("start-form"), verbs.includes("start"));
    for (const verb of /** @type {const} */ (["pause", "resume", "stop"])) show(byId(verb), verbs.includes(verb));
    text(byId("resume-words"), run.state === "waiting" ? "Try now" : "Resume");
    text(byId("stop-words"), run.state === "stopping" ? "Stop now" : "Stop");
    attr(byId("start"), "class", verbs.includes("resume") ? "button" : "button primary");
    if (dialog.open && !verbs.includes("stop")) dialog.close("");
  }

  /** @param {Verb} verb @param {string} path @param {Record<string, unknown>} body @param {string} done */
  async function act(verb, path, body, done) {
    if (busy) return;
    setBusy(verb);
    refuse("");
    try {
      await post(path, body);
      if (done) toast(done);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      refuse(error.message);
    } finally {
      setBusy(null);
    }
  }

  /** @param {Verb | null} verb */
  function setBusy(verb) {
    busy = verb;
    for (const name of ["start", "pause", "resume", "stop"]) attr(byId(name), "aria-disabled", name === verb || null);
  }

  const actions = {
    start() {
      const size = batchSize();
      if (size === null) return refuse(`The number of cycles must be a whole number from 1 to ${MOST_CYCLES}.`);
      remember("batch-size", String(size));
      return act("start", "/api/run/start", { batch_size: size }, "");
    },
    pause: () => act("pause", "/api/run/pause", {}, "The run pauses after the current command."),
    resume: () => act("resume", "/api/run/resume", {}, ""),
    /** @param {"graceful" | "now"} mode */
    stop: (mode) => act("stop", "/api/run/stop", { mode }, mode === "now" ? "Ending the agent now." : "The run stops after the current command."),
    askStop() {
      if (current().run.state === "stopping") return void actions.stop("now");
      dialog.returnValue = "";
      text(byId("stop-graceful-note"), current().run.operations.length ? "It ends by itself, then nothing more starts." : "Nothing runs just now, so the batch ends at once.");
      dialog.showModal();
    },
    /** Pause or resume, whichever is possible. */
    toggle() {
      const verbs = offered(current().run);
      if (verbs.includes("resume")) return void actions.resume();
      if (verbs.includes("pause")) actions.pause();
    },
  };

  listen(actions, dialog);
  return { render, ...actions };
}

/**
 * @param {{start: () => unknown, pause: () => unknown, resume: () => unknown, stop: (mode: "graceful" | "now") => unknown, askStop: () => void}} actions
 * @param {HTMLDialogElement} dialog
 */
function listen(actions, dialog) {
  recallSize();
  byId("start-form").addEventListener("submit", (event) => {
    event.preventDefault();
    actions.start();
  });
  byId("pause").addEventListener("click", actions.pause);
  byId("resume").addEventListener("click", actions.resume);
  byId("stop").addEventListener("click", actions.askStop);
  dialog.addEventListener("close", () => {
    if (dialog.returnValue === "graceful" || dialog.returnValue === "now") actions.stop(dialog.returnValue);
  });
  const cycles = /** @type {HTMLInputElement} */ (byId("cycles"));
  const only = /** @type {HTMLInputElement} */ (byId("amount-cycles"));
  const unit = () => text(byId("cycles-unit"), cycles.value === "1" ? "cycle" : "cycles");
  cycles.addEventListener("input", () => {
    only.checked = true;
    unit();
  });
  unit();
}

/** The choice of the last time. */
function recallSize() {
  const size = recall("batch-size", "all");
  if (size === "all") return;
  /** @type {HTMLInputElement} */ (byId("cycles")).value = size;
  /** @type {HTMLInputElement} */ (byId("amount-cycles")).checked = true;
}

/** @returns {number | "all" | null} null for what is not a number of cycles */
function batchSize() {
  if (!(/** @type {HTMLInputElement} */ (byId("amount-cycles"))).checked) return "all";
  const size = Number(/** @type {HTMLInputElement} */ (byId("cycles")).value);
  return Number.isInteger(size) && size >= 1 && size <= MOST_CYCLES ? size : null;
}

/** @param {string} reason "" takes the last one away */
function refuse(reason) {
  text(byId("refusal-words"), reason);
  show(byId("refusal"), Boolean(reason));
  attr(byId("refusal"), "role", reason ? "alert" : null);
}
