// @ts-check
/**
 * A project that has epics and no plan: the status file that can be made of them, shown before it is written, and the
 * project's own sprint planning, run through an agent.
 */
import { catchApiError, get, post } from "../kit/api.js";
import { attr, byId, fill, h, list, show, text } from "../kit/dom.js";
import { plural } from "../kit/format.js";
import { toast } from "../kit/toast.js";
import { readBudget } from "../run/start-form.js";

/**
 * @typedef {{line: number | null, message: string}} ProposalProblem
 * @typedef {{path: string, text: string, hash: string, epics: number, stories: number, problems: ProposalProblem[],
 *   planning: {command: string, agent: string, problem: string | null}}} Proposal of `GET /api/plan/proposal`
 */

/** The tabs on which a plan is missed. */
const TABS = new Set(["run", "board"]);

export class PlanMaker {
  #root = byId("plan-maker");
  #write = byId("plan-write");
  #run = byId("plan-run");
  #budget = /** @type {HTMLInputElement} */ (byId("plan-budget"));
  #problems = list(
    byId("plan-problems"),
    (/** @type {ProposalProblem} */ { line, message }) => `${line} ${message}`,
    createProblem,
  );
  #askTrust;
  /** @type {Proposal | null} */ #proposal = null;
  /** The reading of the plan for which the proposal was read last. @type {unknown} */ #readFor = null;

  /** @param {() => Promise<string | null>} askTrust asks for trust in the folder; the reason when there is none */
  constructor(askTrust) {
    this.#askTrust = askTrust;
    this.#budget.addEventListener("input", () => attr(this.#budget, "aria-invalid", null));
    this.#write.addEventListener("click", () => void this.#whileBusy(this.#write, () => this.#writePlan()));
    this.#run.addEventListener("click", () => void this.#whileBusy(this.#run, () => this.#runPlanning()));
  }

  /** @param {import("../shell/model.js").Model} model @param {string} tab */
  render({ plan, run, link, replaying }, tab) {
    const missing = plan.counts.unplanned === true && TABS.has(tab) && !replaying && !link.lost;
    const idle = run.state === "idle";
    show(this.#root, missing && this.#proposal !== null);
    show(byId("plan-ways"), idle);
    show(byId("plan-under-way"), !idle);
    if (!missing || this.#readFor === plan.sprint) return;
    this.#readFor = plan.sprint;
    void this.#read();
  }

  async #read() {
    const proposal = /** @type {Proposal | null} */ (await catchApiError(get("/api/plan/proposal")));
    this.#proposal = proposal;
    if (!proposal) return show(this.#root, false);
    this.#draw(proposal);
    show(this.#root, true);
  }

  /** @param {Proposal} proposal */
  #draw({ path, text: words, epics, stories, problems, planning }) {
    fill(byId("plan-counts"), ...countParts(words, epics, stories, path));
    this.#problems.render(problems);
    show(byId("plan-shown"), Boolean(words));
    text(byId("plan-text"), words);
    show(this.#write, Boolean(words));
    fill(byId("plan-command"), ...commandParts(planning));
    show(byId("plan-run-form"), Boolean(planning.command));
  }

  async #writePlan() {
    const used = await post("/api/plan/tracker", { expected: this.#proposal?.hash ?? "" });
    toast(`${used.tracker} is written. Commit it, so that everybody has it.`, "good");
  }

  async #runPlanning() {
    const { value: budget, wrong } = readBudget(this.#budget.value, this.#budget.validity.badInput);
    attr(this.#budget, "aria-invalid", wrong ? "true" : null);
    text(byId("plan-wrong"), wrong);
    if (wrong) return this.#budget.focus();
    await post("/api/plan/run", budget === null ? {} : { budget_usd: budget });
  }

  /**
   * Runs one request at a time; asks for trust where it is missing, and shows a refusal in place.
   * @param {HTMLElement} button
   * @param {() => Promise<void>} work
   * @returns {Promise<void>}
   */
  async #whileBusy(button, work) {
    if (button.getAttribute("aria-disabled")) return;
    attr(button, "aria-disabled", "true");
    text(byId("plan-wrong"), "");
    const error = await catchApiError(
      work().then(() => null),
      (refused) => refused,
    );
    attr(button, "aria-disabled", null);
    if (!error) return;
    const refusal = error.code === "trust" ? await this.#askTrust() : error.message;
    if (refusal === null) return this.#whileBusy(button, work);
    text(byId("plan-wrong"), refusal);
    // What was shown may not be true any more.
    if (error.code === "conflict" || error.code === "planned") await this.#read();
  }
}

/** @param {string} words @param {number} epics @param {number} stories @param {string} path */
function countParts(words, epics, stories, path) {
  if (!words) return ["No epic with stories was found: what is looked for is ", ...exampleParts()];
  const count = `${plural(epics, "epic")} with ${plural(stories, "story", "stories")}, all in the backlog, would be written to `;
  return [count, h("code", { text: path }), "."];
}

function exampleParts() {
  return [
    "a heading such as ",
    h("code", { text: "## Epic 1: …" }),
    " with ",
    h("code", { text: "### Story 1.1: …" }),
    " below it, in a file such as epics.md.",
  ];
}

/** @param {Proposal["planning"]} planning */
function commandParts({ command, agent, problem }) {
  if (!command) return [problem ? `${problem[0].toUpperCase()}${problem.slice(1)}.` : ""];
  const what = " is given to ";
  const rest = ", which reads the epics and writes the file itself: a run of its own, with its log and its cost.";
  return [h("code", { text: command }), what, h("b", { text: agent }), rest];
}

/** @param {ProposalProblem} problem */
function createProblem({ line, message }) {
  const where = line ? h("span", { class: "mono", text: `line ${line}` }) : null;
  return { el: h("li", {}, where, where && " ", message), update() {} };
}
