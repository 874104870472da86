// @ts-check
/** The operator's verbs: start, pause, resume, stop. Only what is possible is offered; a refusal is shown in place. */
import { catchApiError, post } from "../kit/api.js";
import { attr, byId, show, text } from "../kit/dom.js";
import { loadPart } from "../kit/lazy.js";
import { isReader } from "../kit/role.js";
import { toast } from "../kit/toast.js";
import { Ending } from "./ending.js";
import { createFigures } from "./figures.js";
import { ForecastLine } from "./forecast.js";
import { actionText, offered, waitEnd } from "./run-text.js";
import { StartForm } from "./start-form.js";

/** @typedef {import("../shell/model.js").Model} Model */
/** @typedef {import("./run-text.js").RunAction} RunAction */

/** @type {readonly RunAction[]} */
const ALL_ACTIONS = ["start", "pause", "resume", "stop"];

/**
 * What the operator may allow or say after a refused start, by its code: the field of the next start.
 * @type {Record<string, {field: string, words: string}>}
 */
const ALLOWANCES = {
  made_elsewhere: { field: "write_tracker", words: "Allow it and start" },
  unsynced: { field: "synced", words: "It is synced: start" },
};

export class Controls {
  /** @type {{field: string, words: string} | null} */ #allowance = null;
  #current;
  #askTrust;
  #dialog = /** @type {HTMLDialogElement} */ (byId("stop-dialog"));
  #form;
  #ending = new Ending(this.#dialog);
  /** The action whose request is under way. @type {RunAction | null} */ #busy = null;
  /** @type {RunAction[]} */ #actions = [];
  #forecast = new ForecastLine("start-forecast", "");
  #figures = createFigures();
  #state = "";
  /** What the form was drawn from. @type {unknown} */ #plan;
  /** @type {unknown} */ #queue;

  /**
   * @param {() => Model} current
   * @param {() => Promise<string | null>} askTrust asks for trust in the folder; the reason when there is none
   */
  constructor(current, askTrust) {
    this.#current = current;
    this.#askTrust = askTrust;
    this.#form = new StartForm({
      plan: () => current().plan,
      onChange: () => this.#renderText(current()),
      onSubmit: () => this.start(),
    });
    byId("start-preview").addEventListener("click", () => this.preview());
    byId("pause").addEventListener("click", () => this.pause());
    byId("resume").addEventListener("click", () => this.resume());
    byId("refusal-allow").addEventListener("click", () => this.start(this.#allowance?.field));
    byId("stop").addEventListener("click", () => this.askStop());
    this.#dialog.addEventListener("close", () => {
      const { returnValue: mode } = this.#dialog;
      if (mode === "graceful" || mode === "now") this.stop(mode);
      else if (mode) this.#ending.choose(mode);
    });
  }

  /** @param {Model} model @param {number} now */
  render(model, now) {
    const { run, ready, link, replaying, counts } = model;
    this.#figures.render(model, now);
    if (this.#state !== run.state) refuse("");
    this.#state = run.state;
    // A replay shows the past, which cannot be changed, and a reader changes nothing.
    this.#actions = ready && !link.lost && !replaying && !isReader ? offered(run) : [];
    if (counts.unplanned) this.#actions = this.#actions.filter((action) => action !== "start");
    this.#renderButtons(model);
    if (this.#dialog.open && !this.#offers("stop")) this.#dialog.close("");
    this.#ending.render(run, this.#offers("stop"));
    this.#renderText(model);
    if (this.#plan !== model.plan || this.#queue !== run.queue) this.#form.render();
    this.#plan = model.plan;
    this.#queue = run.queue;
  }

  /** @param {Model} model @param {number} now */
  tick(model, now) {
    this.#figures.tick?.(model, now);
  }

  /** @param {string} [allowed] the field by which the operator allows what a start was refused for */
  async start(allowed) {
    const fields = this.#form.request();
    // What is wrong is shown beside its field.
    if (!fields && !location.hash.startsWith("#run")) location.hash = "#run";
    const request = fields && (allowed ? { ...fields, [allowed]: true } : fields);
    if (request && (await this.#send("start", "/api/run/start", request, ""))) this.#form.started();
  }

  /** Shows what a start would send; starts nothing. */
  async preview() {
    const part = await loadPart(() => import("../preview/preview-dialog.js"));
    return part?.openPreview({ ...this.#form.query(), ...this.#form.gates });
  }

  pause() {
    return this.#send("pause", "/api/run/pause", {}, "The run pauses after the current command.");
  }

  resume() {
    return this.#send("resume", "/api/run/resume", {}, "");
  }

  /** @param {"graceful" | "now"} mode */
  stop(mode) {
    const done = { now: "Ending the agent now.", graceful: "The run stops after the current command." }[mode];
    return this.#send("stop", "/api/run/stop", { mode }, done);
  }

  /** Asks how to stop, or stops at once when the run is stopping already. */
  askStop() {
    const { run } = this.#current();
    if (run.state === "stopping") return void this.stop("now");
    this.#dialog.returnValue = "";
    const ends = "It ends by itself, then nothing more starts.";
    const idle = "Nothing runs just now, so the batch ends at once.";
    text(byId("stop-graceful-note"), run.operations.length ? ends : idle);
    this.#dialog.showModal();
  }

  /** Pauses or resumes, whichever is possible. */
  toggle() {
    // A key pressed by chance leaves no question to the agent.
    if (this.#current().run.reason === "question") return;
    if (this.#offers("resume")) this.resume();
    else if (this.#offers("pause")) this.pause();
  }

  /** The verbs that are possible now, for the palette. @returns {{words: string, run: () => unknown}[]} */
  entries() {
    const { run } = this.#current();
    const words = run.state === "paused" && run.reason !== "question" ? "Resume the run" : resumeWords(run);
    const all = {
      start: { words: run.resumable === null ? "Start the run" : "Start a new batch", run: () => this.start() },
      pause: { words: "Pause after the current command", run: () => this.pause() },
      resume: { words, run: () => this.resume() },
      stop: { words: "Stop the run…", run: () => this.askStop() },
    };
    const preview = { words: "What would be sent", run: () => this.preview() };
    return [...this.#actions.map((action) => all[action]), preview];
  }

  /** @param {RunAction} action */
  #offers(action) {
    return this.#actions.includes(action);
  }

  /** @param {Model} model */
  #renderButtons({ run, counts }) {
    const { state, reason, resumable } = run;
    show(byId("start-form"), this.#offers("start"));
    for (const action of ALL_ACTIONS) show(byId(action), this.#offers(action));
    text(byId("resume-words"), resumeWords(run));
    text(byId("start-words"), resumable === null ? "Start" : "Start a new batch");
    text(byId("stop-words"), state === "stopping" ? "Stop now" : "Stop");
    // Leaving a question to the agent is the second choice: the first is an answer.
    attr(byId("resume"), "class", reason === "question" ? "button" : "button primary");
    const isPrimary = !this.#offers("resume") && counts.runnable > 0;
    attr(byId("start"), "class", isPrimary ? "button primary" : "button");
  }

  /** @param {Model} model */
  #renderText({ run, counts, plan }) {
    const { stories, agent, ...rest } = this.#form.chosen();
    const chosen = {
      ...rest,
      stories: stories?.length ?? counts.runnable,
      held: counts.held,
      agent: agent || run.agent.name,
    };
    text(byId("verb-words"), this.#actions.length ? actionText(run, chosen) : "");
    const offered = this.#offers("start");
    show(byId("start-fields"), this.#form.open && offered);
    const state = JSON.stringify([plan.stories.map(({ key, status }) => key + status), run.queue, run.batch?.id]);
    const canRun = offered && counts.runnable > 0;
    this.#forecast.ask(this.#form.query(), canRun ? state : "");
    attr(byId("start-forecast"), "data-kept", canRun);
  }

  /**
   * Sends one request at a time.
   * @param {RunAction} action
   * @param {string} path
   * @param {Record<string, unknown>} body
   * @param {string} done shown when it succeeded, "" for nothing
   * @returns {Promise<boolean>} whether it succeeded
   */
  async #send(action, path, body, done) {
    if (this.#busy) return false;
    this.#setBusy(action);
    refuse("");
    const request = post(path, body).finally(() => this.#setBusy(null));
    const error = await catchApiError(
      request.then(() => null),
      (refused) => refused,
    );
    let refusal = error?.message ?? null;
    if (error?.code === "trust") {
      refusal = await this.#askTrust();
      if (refusal === null) return this.#send(action, path, body, done);
    }
    this.#allowance = ALLOWANCES[error?.code ?? ""] ?? null;
    if (this.#allowance) text(byId("refusal-allow"), this.#allowance.words);
    show(byId("refusal-allow"), this.#allowance !== null);
    if (refusal !== null) refuse(refusal);
    else if (done) toast(done);
    return refusal === null;
  }

  /** @param {RunAction | null} action */
  #setBusy(action) {
    this.#busy = action;
    for (const name of ALL_ACTIONS) attr(byId(name), "aria-disabled", name === action || null);
  }
}

/** What the button that lets a run continue is called. @param {Model["run"]} run */
function resumeWords({ state, reason, resumable }) {
  if (state === "waiting") return waitEnd(reason);
  if (resumable !== null) return `Continue batch ${resumable}`;
  return state === "paused" && reason === "question" ? "Let the agent decide" : "Resume";
}

/** @param {string} reason "" removes the last one */
function refuse(reason) {
  text(byId("refusal-words"), reason);
  show(byId("refusal"), Boolean(reason));
  attr(byId("refusal"), "role", reason ? "alert" : null);
}
