// @ts-check
/**
 * The steps of what runs: for each group of stories that is worked on together its commands, those that have ended or
 * run from the events, those to come from the server's outline. Pure.
 */
import { blockedBy, resultWith } from "../kit/command-result.js";
import { RUNNER } from "../shell/command-list.js";

/** @typedef {import("../shell/command-list.js").Command} Command */
/** @typedef {import("../shell/command-list.js").CommandList} CommandList */
/** @typedef {import("../state.js").RunState} RunState */
/**
 * @typedef {{command: string, story_keys: string[], attempt: number, condition: string, by: string,
 *   state: string}} Upcoming a step of `GET /api/run/steps`
 * @typedef {{state: string, story_keys: string[], steps: Upcoming[]}} UpcomingCycle
 * @typedef {{id: string, command: string, keys: readonly string[], attempt: number, result: string, glyph: string,
 *   words: string, note: string, condition: string, background: boolean, runs: Command | null}} Step
 *   `result`: success, failed, stopped, running or next; `runs` is the command, null for one to come
 * @typedef {{id: string, title: string, place: string, keys: readonly string[], steps: Step[]}} Lane `place`: the worker that
 *   has it, or that it waits for one; empty for the runner's own machine
 */

/** @param {RunState} run @param {CommandList} commands @param {readonly UpcomingCycle[]} upcoming @returns {Lane[]} */
export function lanesOf(run, commands, upcoming) {
  const all = marked([...commands.values()], run);
  // What works comes before what waits for a worker.
  const cycles = [...run.cycles].sort((a, b) => Number(a.waits) - Number(b.waits));
  const lanes = cycles.map(({ number, story_keys: keys, machine, waits }) => {
    const own = all.filter((command) => command.story_keys.some((key) => keys.includes(key)));
    const coming = upcoming.find(
      (cycle) => cycle.state !== "next" && cycle.story_keys.some((key) => keys.includes(key)),
    );
    const place = machine ? `on ${machine}` : waits ? "waits for a place on a worker" : "";
    return { id: `cycle ${number}`, title: "", place, keys, steps: stepsOf(own, coming?.steps ?? []) };
  });
  const others = run.state === "idle" ? [] : all.filter((command) => !command.story_keys.some(Boolean));
  const project = { id: "project", title: "Project", place: "", keys: [], steps: stepsOf(others, []) };
  const before = project.steps.length ? [project, ...lanes] : lanes;
  return before.length ? before : nextLane(run, upcoming);
}

/** The stories that a step has blocked and that are blocked still. @param {Step} step @param {import("../shell/model.js").Model} model */
export function blockedStories({ keys, runs }, { plan, replaying }) {
  if (replaying || runs?.blocked === undefined || plan.sprint?.project.writable === false) return [];
  return keys.filter((key) => plan.byKey.get(key)?.status === "blocked");
}

/** The commands, those named with which a story was blocked. @param {Command[]} commands @param {RunState} run @returns {Command[]} */
export function marked(commands, { stories }) {
  const blocked = blockedBy(stories, commands);
  if (!blocked.size) return commands;
  return commands.map((one) => (blocked.has(one.command_id) ? { ...one, blocked: blocked.get(one.command_id) } : one));
}

/** What would run next, or is taken up again. @param {RunState} run @param {readonly UpcomingCycle[]} upcoming @returns {Lane[]} */
function nextLane(run, upcoming) {
  const [cycle] = upcoming;
  if (!cycle || run.state !== "idle") return [];
  const title = cycle.state === "begun" ? "Interrupted" : "Next group";
  const certain = cycle.steps.filter((step) => !isDoubtful(step));
  return [{ id: "next", title, place: "", keys: cycle.story_keys, steps: stepsOf([], certain) }];
}

/** Whether it depends on a verdict that a step runs. @param {{condition: string}} step */
export function isDoubtful({ condition }) {
  return condition.startsWith("if ");
}

/** @param {readonly Command[]} commands in order of their start @param {readonly Upcoming[]} upcoming */
export function stepsOf(commands, upcoming) {
  return [...commands.map(begun), ...upcoming.filter((step) => !isBegun(step, commands)).map(toCome)];
}

/** Whether a step that was to come has started since. @param {Upcoming} step @param {readonly Command[]} commands */
function isBegun({ command, story_keys: keys, attempt }, commands) {
  return commands.some(
    (other) =>
      other.command === command &&
      other.attempt >= attempt &&
      (!keys.length || other.story_keys.some((key) => keys.includes(key))),
  );
}

/** @param {Command} command @returns {Step} */
function begun(command) {
  const { result, glyph, words } = resultWith(command);
  return {
    id: String(command.command_id),
    command: command.command,
    keys: command.story_keys.filter(Boolean),
    attempt: command.attempt,
    result,
    glyph,
    words,
    note: result === "success" || result === "running" ? command.verdict : command.reason || command.blocked || words,
    condition: "",
    background: command.background,
    runs: command,
  };
}

/** @param {Upcoming} step @returns {Step} */
function toCome({ command, story_keys: keys, attempt, condition }) {
  return {
    id: `next ${command} ${keys.join()}`,
    command,
    keys: keys.filter(Boolean),
    attempt,
    result: "next",
    glyph: "backlog",
    words: "to come",
    note: "",
    condition,
    background: false,
    runs: null,
  };
}

/**
 * The command whose output is shown when none is chosen: the newest one that the run waits for, of a lane if one is
 * chosen; without one, the newest that has ended.
 * @param {CommandList} commands
 * @param {readonly string[]} keys of the lane, none for any
 * @returns {Command | null}
 */
export function liveCommand(commands, keys = []) {
  // The runner's own commands have no output.
  const all = [...commands.values()].filter((command) => command.agent !== RUNNER);
  const mine = keys.length ? all.filter((command) => command.story_keys.some((key) => keys.includes(key))) : all;
  const running = mine.filter((command) => command.status === "running");
  return running.filter((command) => !command.background).at(-1) ?? running.at(-1) ?? mine.at(-1) ?? null;
}
