// @ts-check
/**
 * The state of the run in words, and what the operator can do in it. One place, so that no two parts of the page
 * describe the same run differently.
 */
import { hourMinute, money, plural, remaining } from "../kit/format.js";

/** @typedef {import("../state.js").RunState} RunState */
/** @typedef {{done: number, total: number, blocked: number, runnable: number, unplanned?: boolean}} Counts */
/** @typedef {"info" | "live" | "warn" | "good" | "bad"} Tone */

/**
 * @param {RunState} run
 * @param {Counts} counts of the whole plan
 * @param {number} now
 * @returns {{text: string, tone: Tone}}
 */
export function headline(run, counts, now) {
  switch (run.state) {
    case "starting":
      return { text: "Starting – checking the project and the agent", tone: "live" };
    case "running":
      return { text: `Running – ${position(run, counts)}`, tone: "live" };
    case "pausing":
      return { text: "Pausing – the current command ends first", tone: "warn" };
    case "stopping":
      return { text: "Stopping – waiting for the last command to end", tone: "warn" };
    case "paused":
      return { text: pausedText(run.reason), tone: "warn" };
    case "waiting":
      return { text: waitingText(run, now), tone: "warn" };
    default:
      return idleText(run, counts);
  }
}

/** Whether a batch makes the plan instead of working on its stories. @param {{workflow?: string} | null} batch */
export function makesPlan(batch) {
  return batch?.workflow === "sprint-planning";
}

/** @param {RunState} run @param {Counts} counts */
function position(run, counts) {
  if (makesPlan(run.batch)) return "planning the sprint";
  const done = `${counts.done} of ${plural(counts.total, "story", "stories")} done`;
  if (run.context && !run.cycle) return `reading the project first, ${done}`;
  return done;
}

/** "3", "3 and 4", "3, 4 and 5". @param {readonly (string | number)[]} names */
export function listed(names) {
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}` : names.join();
}

/** @type {Record<string, string>} */
const PAUSED = {
  operator: "Paused by you",
  budget: "Paused: the budget is used up",
  breaker: "Paused: two stories in a row failed for the same reason",
  agent: "Paused: the agent cannot run",
  verify: "Paused: the check cannot be started",
  "no-progress": "Paused: much was spent and no story has moved on",
  git: "Paused: git needs you",
  merge: "Paused: files of yours are in the way of a merge; the run continues by itself when they are not",
  disk: "Paused: the disk is full",
  question: "Paused: the agent waits for your answer",
  gate: "Paused: a decision is yours",
  "take-over": "Paused: a story is in your hands",
  tracker: "Paused: the plan cannot be read; the run continues by itself when it is back",
};

/** @param {string | null} reason */
function pausedText(reason) {
  return PAUSED[reason ?? "operator"] ?? `Paused: ${reason}`;
}

/** What the run waits for, by the reason. @type {Record<string, string>} */
const WAITING = {
  "usage-limit": "Waiting for the usage limit",
  unreachable: "Waiting: the agent's service cannot be reached",
  retry: "Waiting: the agent's service had trouble",
  program: "Waiting: the agent's program is missing",
  hours: "Waiting for the active hours",
  reserve: "Waiting: the rest of the usage window is reserved",
  scheduled: "Scheduled",
};

/** What stands before the time at which a wait ends, by the reason. @type {Record<string, string>} */
const UNTIL = { "usage-limit": " until", hours: " until", reserve: ", until", scheduled: " for" };

/** What the run waits for, without its end. @param {string | null} reason */
export function waitText(reason) {
  return WAITING[reason ?? ""] ?? `Waiting: ${reason}`;
}

/** @param {RunState} run @param {number} now */
function waitingText(run, now) {
  if (!run.until) return waitText(run.reason);
  return `${waitText(run.reason)}${UNTIL[run.reason ?? ""] ?? ", next try at"} ${hourMinute(run.until, now)} (${remaining(run.until, now)})`;
}

/**
 * @param {RunState} run
 * @param {Counts} counts
 * @returns {{text: string, tone: Tone}}
 */
function idleText(run, counts) {
  if (run.resumable !== null) {
    return { text: `Interrupted: batch ${run.resumable} can continue at the same place`, tone: "warn" };
  }
  const result = resultText(run.totals.stories_done, run.totals.stories_blocked);
  switch (run.batch?.status) {
    case "completed":
      if (makesPlan(run.batch)) return { text: "Finished: the sprint is planned", tone: "good" };
      return { text: `Finished: ${result}`, tone: run.totals.stories_blocked ? "warn" : "good" };
    case "stopped":
      return { text: makesPlan(run.batch) ? "Stopped: no plan was made" : `Stopped: ${result}`, tone: "info" };
    case "error":
      return { text: `Failed: ${run.batch.reason ?? "the batch ended with an error"}`, tone: "bad" };
    default:
      return { text: readyText(counts), tone: "info" };
  }
}

/** @param {number} done @param {number} blocked */
function resultText(done, blocked) {
  return blocked ? `${done} done, ${blocked} blocked` : `${done} done`;
}

/** @param {Counts} counts */
function readyText(counts) {
  if (counts.unplanned) return "There is no plan yet";
  if (counts.runnable) return `Ready: ${plural(counts.runnable, "story", "stories")} to run`;
  if (counts.total && counts.done === counts.total) return `All ${counts.total} stories are done`;
  return counts.total ? "Nothing to run" : "Ready";
}

/** @typedef {"start" | "pause" | "resume" | "stop"} RunAction */
/**
 * @typedef {{stories: number, held?: number, cycles: number | "all", budget: number | null, agent: string}} Chosen
 *   `held`: open stories that do not start by themselves
 */

/**
 * The verbs that are possible now, most likely first.
 * @param {Pick<RunState, "state" | "resumable"> & {reason?: string | null}} run
 * @returns {RunAction[]}
 */
export function offered(run) {
  switch (run.state) {
    case "running":
      return ["pause", "stop"];
    case "pausing":
      return ["resume", "stop"];
    case "paused":
      // A gate opens by its decision alone, a take-over by "Done".
      return run.reason === "gate" || run.reason === "take-over" ? ["stop"] : ["resume", "stop"];
    case "waiting":
      return run.reason === "reserve" ? ["pause", "stop"] : ["resume", "stop"]; // it opens by itself, or in the settings
    case "stopping":
      return ["stop"];
    case "starting":
      return [];
    default:
      return run.resumable === null ? ["start"] : ["resume", "start"];
  }
}

/** What ends a wait for a clock time; "" where nothing but time and the settings do. @param {string | null} reason of the wait */
export function waitEnd(reason) {
  if (reason === "reserve") return "";
  return reason === "hours" || reason === "scheduled" ? "Start now" : "Try now";
}

/**
 * What the verbs that are offered will do, in a sentence or two.
 * @param {RunState} run
 * @param {Chosen} chosen what Start would start
 */
export function actionText(run, chosen) {
  switch (run.state) {
    case "running":
      return "Pause lets the current command end first. Stop asks: after it, or at once.";
    case "pausing":
      return "Resume takes the pause back. Stop ends the batch.";
    case "paused":
      return `${PAST[run.reason ?? ""] ?? "Resume continues with the next command."} Stop ends the batch.`;
    case "waiting":
      if (run.reason === "reserve")
        return "It continues at the reset, or when the reserve ends or is lowered in the settings. Stop ends the batch.";
      return waitEnd(run.reason) === "Start now"
        ? "Start now does not wait for the time. Stop ends the batch."
        : "Try now asks the agent again at once. Stop ends the batch.";
    case "stopping":
      return "Stop now ends the agent at once; its command runs again next time.";
    case "starting":
      return "";
    default:
      return run.resumable === null
        ? startText(chosen)
        : `Batch ${run.resumable} continues where it was interrupted. A new batch leaves it behind. ${startText(chosen)}`;
  }
}

/** What Resume does in a pause that the operator did not ask for. @type {Record<string, string>} */
const PAST = {
  budget: "It continues when the budget is raised in the settings, or on the next day.",
  question: "The run continues with your answer, or lets the agent decide for itself.",
  gate: "The run continues by itself when you have decided on the Run tab.",
  "take-over": "The run continues by itself when you hand the story back.",
};

/** @param {Chosen} chosen */
function startText({ stories, held, cycles, budget, agent }) {
  if (!stories && held)
    return `No story can run now: ${held === 1 ? "one waits" : `${held} wait`}, and the Board says for what.`;
  if (!stories) return "No story can run: all are done, blocked or skipped.";
  const most = cycles === "all" ? stories : Math.min(stories, cycles * 2);
  const what =
    cycles === "all"
      ? plural(stories, "story", "stories")
      : `${plural(cycles, "group")}, at most ${plural(most, "story", "stories")}`;
  return `Starts ${what}${agent ? ` with ${agent}` : ""}${budget ? `, pauses at ${money(budget)}` : ""}.`;
}
