// @ts-check
/** The operator's verbs: start, pause, resume, stop. Only what is possible is offered; a refusal is shown in place. */
import { catchApiError, post } from "../kit/api.js";
import { attr, byId, show, text } from "../kit/dom.js";
import { loadPart } from "../kit/lazy.js";
import { isReader } from "../kit/role.js";
import { toast } from "../kit/toast.js";
import { toHash } from "../shell/router.js";
import { Ending } from "./ending.js";
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

  /** @param {Model} model */
  render(model) {
    const { run, ready, link, replaying, counts } = model;
    if (this.#state !== run.state) refuse("");
    this.#state = run.state;
    // A replay shows the past, which cannot be changed, and a reader changes nothing.
    this.#actions = ready && !link.lost && !replaying && !isReader ? offered(run) : [];
    if (counts.unplanned) this.#actions = this.#actions.filter((action) => action !== "start");
    this.#renderButtons(model);
    renderBrief(model);
    if (this.#dialog.open && !this.#offers("stop")) this.#dialog.close("");
    this.#ending.render(run, this.#offers("stop"));
    this.#renderText(model);
    if (this.#plan !== model.plan || this.#queue !== run.queue) this.#form.render();
    this.#plan = model.plan;
    this.#queue = run.queue;
  }

  /** @param {string} [allowed] the field by which the operator allows what a start was refused for */
  async start(allowed) {
    const fields = this.#form.request();
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
    if (this.#offers("resume")) this.resume();
    else if (this.#offers("pause")) this.pause();
  }

  /** The verbs that are possible now, for the palette. @returns {{words: string, run: () => unknown}[]} */
  entries() {
    const waiting = this.#current().run.state === "waiting";
    const all = {
      start: { words: "Start the run", run: () => this.start() },
      pause: { words: "Pause after the current command", run: () => this.pause() },
      resume: { words: waiting ? "Try again now" : "Resume the run", run: () => this.resume() },
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
  #renderButtons({ run: { state, reason }, counts }) {
    show(byId("start-form"), this.#offers("start"));
    for (const action of ALL_ACTIONS.slice(1)) show(byId(action), this.#offers(action));
    text(byId("resume-words"), state === "waiting" ? waitEnd(reason) : "Resume");
    text(byId("stop-words"), state === "stopping" ? "Stop now" : "Stop");
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
    this.#forecast.ask(this.#form.query(), offered && counts.runnable ? state : "");
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

/** The way to the brief of a batch that does not run. @param {Model} model */
function renderBrief({ run, ready, replaying }) {
  const over = ready && !replaying && run.batch !== null && ["idle", "paused"].includes(run.state);
  show(byId("brief-link"), over);
  if (over) attr(byId("brief-link"), "href", toHash("run", { brief: String(run.batch?.id) }));
}

/** @param {string} reason "" removes the last one */
function refuse(reason) {
  text(byId("refusal-words"), reason);
  show(byId("refusal"), Boolean(reason));
  attr(byId("refusal"), "role", reason ? "alert" : null);
}
