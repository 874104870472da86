// @ts-check
/** What is wrong with the status file, and what the operator can do about it: the first rows, all on request. */
import { byId, h, list, show, text } from "../kit/dom.js";
import { plural } from "../kit/format.js";

/** @typedef {import("../shell/plan.js").Sprint} Sprint */
/** @typedef {{line: number | null, message: string, advice: string}} ProblemRow */

/** Most stories of unknown status that are named; the cards say the rest. */
const NAMED_MOST = 5;
/** Rows that are shown before all are asked for; a few more are shown at once. */
const ROWS_MOST = 4;

/** The advice for each message of the server. @type {[RegExp, string][]} */
const ADVICE = [
  [/merge conflict/, "Resolve the conflict and save the file; nothing is written to it before."],
  [
    /cannot be parsed/,
    "Correct that place by hand: stories are read line by line meanwhile, and no status is written.",
  ],
  [/occurs \d+ times/, "Remove the lines that are wrong; the status of this key cannot be changed before."],
  [/not UTF-8|UTF-16/, "Save the file as UTF-8 with your editor."],
  [/only read|may not write|lies outside/, "Statuses cannot be changed from here, and nothing can be run."],
  [
    /no development_status|file is empty|holds only the text/,
    "Run BMAD's sprint planning to write the file anew, or name another one by `tracker` in sprint-runner.yaml.",
  ],
  [/cannot be read/, "Check that the file is there and that this user may read it."],
];

export function createTrackerProblems() {
  const rows = list(byId("problems-list"), (/** @type {ProblemRow} */ row) => `${row.line} ${row.message}`, createRow);
  const all = byId("problems-all");
  let isOpen = false;
  /** @type {ProblemRow[]} */
  let problems = [];

  function draw() {
    const isCut = !isOpen && problems.length > ROWS_MOST + 2;
    rows.render(isCut ? problems.slice(0, ROWS_MOST) : problems);
    show(all, isCut);
    text(all, `Show all ${problems.length}`);
    show(byId("problems"), problems.length > 0);
  }

  all.addEventListener("click", () => {
    isOpen = true;
    draw();
  });
  return {
    /** @param {Sprint | null} sprint @param {import("../shell/plan.js").PlanStory[]} stories */
    render(sprint, stories) {
      // What the whole file is about comes first: of hundreds of lines only the first are shown.
      problems = sprint ? [...unknown(stories), ...others(sprint), ...sprint.problems.map(advised)] : [];
      draw();
    },
  };
}

/** @param {{line: number | null, message: string}} problem @returns {ProblemRow} */
export function advised({ line, message }) {
  return { line, message, advice: ADVICE.find(([pattern]) => pattern.test(message))?.[1] ?? "" };
}

/** @param {import("../shell/plan.js").PlanStory[]} stories @returns {ProblemRow[]} */
function unknown(stories) {
  const odd = stories.filter((story) => story.status === "unknown");
  if (!odd.length) return [];
  const named = odd
    .slice(0, NAMED_MOST)
    .map((story) => `${story.key} has “${story.raw_status}”`)
    .join(", ");
  const number = plural(odd.length, "story has a status", "stories have a status");
  const more = odd.length > NAMED_MOST ? ` and ${odd.length - NAMED_MOST} more` : "";
  return [
    {
      line: odd[0].line,
      message: `${number} that is not known: ${named}${more}.`,
      advice: "They are never run, and a word that is not understood is never replaced: correct it in the file.",
    },
  ];
}

/** Which tracker was chosen where a project has several. @param {Sprint} sprint @returns {ProblemRow[]} */
function others({ project: { tracker, candidates } }) {
  if (!candidates.length) return [];
  return [
    {
      line: null,
      message: `Several status files: ${tracker} is used, not ${candidates.join(", ")}.`,
      advice: "Name another one by `tracker` in sprint-runner.yaml.",
    },
  ];
}

/** @param {ProblemRow} row */
function createRow({ line, message, advice }) {
  const where = line ? h("span", { class: "mono", text: `line ${line}` }) : null;
  return { el: h("li", {}, where, message, advice ? h("span", { class: "advice", text: advice }) : null), update() {} };
}
