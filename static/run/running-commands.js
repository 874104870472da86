// @ts-check
/** What runs now: a card for each command, keyed by its id, so that parallel ones never take each other's place. */
import { attr, byId, h, list, show, style, text } from "../kit/dom.js";
import { allTokens, money, shortCommand, shortKey, stopwatch, tokens } from "../kit/format.js";
import { titleOf } from "../shell/plan.js";

/** @typedef {import("../shell/model.js").Model} Model */
/** @typedef {import("../state.js").Operation} Operation */

/** In the place of an agent's name: what the runner does itself has no transcript. */
const RUNNER = "runner";

/** @returns {import("./run.js").Part} */
export function createRunningCommands() {
  /** @type {unknown[]} */
  let last = [];
  let rows = 0;
  /** @type {number | null} */
  let batch = null;
  /** @type {Model} */
  let shown;
  const cards = list(
    byId("operations"),
    (/** @type {Operation} */ operation) => operation.command_id,
    (operation) => createCard(operation, () => shown),
  );
  return {
    render(model, now) {
      const { run, plan } = model;
      if (last[0] === run.operations && last[1] === plan && last[2] === run.state && last[3] === model.ready) return;
      last = [run.operations, plan, run.state, model.ready];
      shown = model;
      cards.render(foregroundFirst(run.operations));
      for (const card of cards.views()) card.tick(now);
      rows =
        run.batch?.id === batch && run.state !== "idle" ? Math.max(rows, run.operations.length) : run.operations.length;
      batch = run.batch?.id ?? null;
      const room = Math.max(rows, run.state === "idle" ? 1 : 2);
      style(byId("now"), "--rows", String(room));
      attr(byId("now"), "data-room", room > Math.max(1, run.operations.length));
      show(byId("now-empty"), !run.operations.length);
      text(byId("now-empty"), idleReason(model));
    },
    tick(_, now) {
      for (const card of cards.views()) card.tick(now);
    },
  };
}

/** What the run waits for stands on top. @param {readonly Operation[]} operations */
function foregroundFirst(operations) {
  return [...operations].sort((a, b) => Number(a.background) - Number(b.background));
}

/** Why nothing runs. @param {Model} model */
function idleReason({ run, ready }) {
  if (!ready) return "";
  switch (run.state) {
    case "running":
      return run.context ? run.context.message || "The project context is being written." : "Choosing what comes next.";
    case "paused":
      return "Paused. Nothing runs until you press Resume.";
    case "waiting":
      return run.reason === "unreachable"
        ? "Waiting for the agent's service. It goes on by itself."
        : "Waiting for the usage limit. It goes on by itself.";
    case "starting":
      return "Checking the project and the agent.";
    default:
      return run.batch ? "Nothing runs." : "Nothing runs yet. Press Start, and what the agent does is shown here.";
  }
}

/** @param {Operation} first @param {() => Model} model */
function createCard(first, model) {
  const story = h("a", {
    class: "key",
    href: `#run?story=${encodeURIComponent(first.story_key)}`,
    text: shortKey(first.story_key),
  });
  const title = h("span", { class: "title" });
  const time = h("time", { class: "operation-time" });
  const [who, attempt, task] = [h("span"), h("span"), h("span")];
  const spent = h("span", { class: "spent" });
  const query = new URLSearchParams({ story: first.story_key, transcript: String(first.command_id) });
  const transcript =
    first.story_key &&
    first.agent !== RUNNER &&
    h("a", { href: `#run?${query}`, text: "Transcript", title: "What the agent says and does, as it does it" });
  const line = h("p", { class: "operation-line" });
  const el = h(
    "li",
    { class: first.background ? "operation background" : "operation", "data-command": first.command_id },
    h(
      "div",
      { class: "operation-name" },
      h("b", { text: shortCommand(first.command) }),
      first.story_key && story,
      title,
      first.background && h("span", { class: "badge", text: "background" }),
    ),
    time,
    h("div", { class: "operation-facts" }, who, attempt, task, spent, transcript),
    line,
  );
  const card = {
    el,
    startedAt: first.started_at,
    /** @param {Operation} operation */
    update(operation) {
      const others = operation.story_keys.filter((key) => key !== operation.story_key).map(shortKey);
      text(
        title,
        others.length
          ? `and ${others.join(", ")}`
          : operation.story_key
            ? titleOf(model().plan, operation.story_key)
            : "",
      );
      text(who, [operation.agent, operation.model].filter(Boolean).join(" · "));
      text(attempt, operation.attempt > 1 ? `attempt ${operation.attempt}` : "");
      text(task, operation.task_id && `task ${operation.task_id}`);
      const used = allTokens(operation.metrics);
      text(
        spent,
        [
          used ? `${tokens(used)} tokens` : "",
          operation.metrics.cost_usd === undefined
            ? ""
            : money(operation.metrics.cost_usd, operation.metrics.estimated_usd),
        ]
          .filter(Boolean)
          .join(" · "),
      );
      text(line, operation.message || "Started");
      attr(line, "title", operation.message);
    },
    /** @param {number} now */
    tick(now) {
      text(time, stopwatch(now - card.startedAt));
    },
  };
  return card;
}
