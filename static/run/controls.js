// @ts-check
/** The operator's verbs: start, pause, resume, stop. Only what is possible is offered; a refusal is said in place. */
import { ApiError, post } from "../kit/api.js";
import { attr, byId, show, text } from "../kit/dom.js";
import { toast } from "../kit/toast.js";
import { offered, verbWords } from "./run-text.js";
import { createStartForm } from "./start-form.js";

/** @typedef {import("../shell/app.js").Model} Model */
/** @typedef {import("./run-text.js").Verb} Verb */

/** @param {() => Model} current */
export function createControls(current) {
  /** @type {Verb | null} */
  let busy = null;
  const dialog = /** @type {HTMLDialogElement} */ (byId("stop-dialog"));
  const form = createStartForm({
    plan: () => current().plan,
    onChange: () => renderWords(current()),
    onSubmit: () => actions.start(),
  });

  let state = "";
  /** @type {Verb[]} */
  let verbs = [];

  /** @param {Model} model @param {boolean} replaying the past cannot be changed */
  function render(model, replaying) {
    const { run, ready, link } = model;
    if (state !== run.state) refuse("");
    state = run.state;
    verbs = ready && !link.lost && !replaying ? offered(run) : [];
    show(byId("start-form"), verbs.includes("start"));
    for (const verb of /** @type {const} */ (["pause", "resume", "stop"])) show(byId(verb), verbs.includes(verb));
    text(byId("resume-words"), run.state === "waiting" ? "Try now" : "Resume");
    text(byId("stop-words"), run.state === "stopping" ? "Stop now" : "Stop");
    attr(byId("start"), "class", verbs.includes("resume") ? "button" : "button primary");
    if (dialog.open && !verbs.includes("stop")) dialog.close("");
    renderWords(model);
  }

  /** @param {Model} model */
  function renderWords({ run, counts }) {
    const { stories, agent, ...rest } = form.chosen();
    const chosen = { ...rest, stories: stories?.length ?? counts.runnable, agent: agent || run.agent.name };
    text(byId("verb-words"), verbs.length ? verbWords(run, chosen) : "");
    show(byId("start-fields"), form.open && verbs.includes("start"));
  }

  /**
   * @param {Verb} verb
   * @param {string} path
   * @param {Record<string, unknown>} body
   * @param {string} done
   * @returns {Promise<boolean>}
   */
  async function act(verb, path, body, done) {
    if (busy) return false;
    setBusy(verb);
    refuse("");
    try {
      await post(path, body);
      if (done) toast(done);
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      refuse(error.message);
      return false;
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
    async start() {
      const request = form.request();
      if (request && (await act("start", "/api/run/start", request, ""))) form.started();
    },
    pause: () => act("pause", "/api/run/pause", {}, "The run pauses after the current command."),
    resume: () => act("resume", "/api/run/resume", {}, ""),
    /** @param {"graceful" | "now"} mode */
    stop: (mode) =>
      act(
        "stop",
        "/api/run/stop",
        { mode },
        mode === "now" ? "Ending the agent now." : "The run stops after the current command.",
      ),
    askStop() {
      if (current().run.state === "stopping") return void actions.stop("now");
      dialog.returnValue = "";
      text(
        byId("stop-graceful-note"),
        current().run.operations.length
          ? "It ends by itself, then nothing more starts."
          : "Nothing runs just now, so the batch ends at once.",
      );
      dialog.showModal();
    },
    /** Pause or resume, whichever is possible. */
    toggle() {
      if (verbs.includes("resume")) return void actions.resume();
      if (verbs.includes("pause")) actions.pause();
    },
    /** What can be done now, for the palette. @returns {{words: string, run: () => unknown}[]} */
    entries() {
      const paused = current().run.state === "waiting";
      const all = {
        start: { words: "Start the run", run: actions.start },
        pause: { words: "Pause after the current command", run: actions.pause },
        resume: { words: paused ? "Try again now" : "Resume the run", run: actions.resume },
        stop: { words: "Stop the run…", run: actions.askStop },
      };
      return verbs.map((verb) => all[verb]);
    },
  };

  byId("pause").addEventListener("click", actions.pause);
  byId("resume").addEventListener("click", actions.resume);
  byId("stop").addEventListener("click", actions.askStop);
  dialog.addEventListener("close", () => {
    if (dialog.returnValue === "graceful" || dialog.returnValue === "now") actions.stop(dialog.returnValue);
  });
  return { render, ...actions };
}

/** @param {string} reason "" takes the last one away */
function refuse(reason) {
  text(byId("refusal-words"), reason);
  show(byId("refusal"), Boolean(reason));
  attr(byId("refusal"), "role", reason ? "alert" : null);
}
