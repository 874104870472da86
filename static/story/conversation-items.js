// @ts-check
/** All that happened to a story as one list in order of time, out of its dossier. */
import { h } from "../kit/dom.js";
import { duration, shortCommand } from "../kit/format.js";
import { sizeOf } from "./diff.js";

/** @typedef {import("./dossier.js").Dossier} Dossier */
/** @typedef {import("./note-item.js").Note} Note */
/** @typedef {{id: string, at: number, data: any, draw: ((data: any) => Note) | null}} Item `draw` is null of a command */
/** @typedef {{change: (name: string) => void, command: (id: number) => void}} Open */

/** @param {Dossier} dossier @param {Open} open @returns {Item[]} oldest first */
export function itemsOf(dossier, open) {
  const { commands, questions = [], hints = [], sent_back: sent = [], checks = [], commits = [] } = dossier;
  const names = new Map(commands.map((/** @type {any} */ command) => [command.id, shortCommand(command.command)]));
  const made = commitsMade(commands, commits);
  const nameOf = (/** @type {number} */ id) => names.get(id) ?? `command ${id}`;
  /** @type {Item[]} */
  const items = [
    ...commandItems(dossier, made),
    ...each("question", questions, "asked_at", (one) => questionNote(one, nameOf), "command_id"),
    ...each("hint", hints, "at", (one) => hintNote(one, nameOf, open)),
    ...each("gate", sent, "at", gateNote, "gate_id"),
    ...each("check", checks, "at", checkNote),
    ...each(
      "commit",
      commits.filter((/** @type {any} */ one) => ![...made.values()].includes(one)),
      "at",
      (one) => commitNote(one, open),
      "hash",
    ),
    ...each("hand", (dossier.by_hand ?? []).filter(isReturned), "returned_at", (one) => byHandNote(one, open)),
  ];
  return items.sort((a, b) => a.at - b.at);
}

/** @param {string} kind @param {any[]} all @param {string} at @param {(data: any) => Note} draw @param {string} [id] @returns {Item[]} */
function each(kind, all, at, draw, id = "id") {
  return all.map((data) => ({ id: `${kind}-${data[id]}`, at: data[at], data, draw }));
}

/** @param {Dossier} dossier @param {Map<number, any>} made the commits that they made @returns {Item[]} */
function commandItems({ commands, reviews = [], questions = [], status, reason, writable, key }, made) {
  const all = reviews.flatMap((/** @type {any} */ kind) => kind.rounds);
  const rounds = new Map(all.map((/** @type {any} */ round) => [round.command_id, round]));
  const asked = new Set(questions.map((/** @type {any} */ one) => one.command_id));
  // Its command succeeded in saying that the story is blocked; why is in the story's own row.
  const blocking = status === "blocked" ? lastBlocking(commands)?.id : null;
  const last = commands.findLast((/** @type {any} */ one) => !one.background && one.ended_at !== null)?.id;
  return commands.map((/** @type {any} */ command) => ({
    id: `command-${command.id}`,
    at: command.started_at,
    data: {
      command: command.id === blocking ? { ...command, reason } : command,
      round: rounds.get(command.id) ?? null,
      commit: made.get(command.id) ?? null,
      asked: asked.has(command.id),
      retry: command.id === last && status === "blocked" && writable ? key : "",
    },
    draw: null,
  }));
}

/** The last command that said that the story is blocked. @param {any[]} commands */
function lastBlocking(commands) {
  return commands.findLast(({ verdict }) => verdict === "blocked");
}

/** The commits that commands made, by the command. @param {any[]} commands @param {any[]} commits @returns {Map<number, any>} */
function commitsMade(commands, commits) {
  const pairs = commands
    .filter(({ command, status }) => command === "commit" && status === "success")
    .map(({ id, verdict }) => [id, verdict && commits.find(({ hash }) => hash.startsWith(verdict))]);
  return new Map(/** @type {[number, any][]} */ (pairs.filter(([, commit]) => commit)));
}

/** @param {{state: string}} taken */
function isReturned({ state }) {
  return state === "returned";
}

/** @param {any} question @param {(id: number) => string} nameOf @returns {Note} */
function questionNote({ command_id: id, question, answer, decided, asked_at: at }, nameOf) {
  const isOpen = answer === null;
  const words = decided ? "The decision is left to the agent." : answer;
  const reply = [h("b", { text: decided ? "" : "You: " }), h("span", { class: "hint-text", dir: "auto", text: words })];
  return {
    glyph: "ask",
    tone: isOpen ? "warn" : "info",
    title: [h("b", { text: nameOf(id) }), isOpen ? " asked, and waits for your answer" : " asked"],
    at,
    text: question,
    parts: isOpen ? [] : [h("p", { class: "item-text answer-text" }, ...reply)],
  };
}

/** @param {any} hint @param {(id: number) => string} nameOf @param {Open} open @returns {Note} */
function hintNote({ text, at, command_id: id, sent_to: receiver }, nameOf, open) {
  const go = (/** @type {string} */ words) =>
    h("button", {
      type: "button",
      class: "plain",
      text: `${words} ${nameOf(id)}`,
      on: { click: () => open.command(id) },
    });
  const use = id === null ? "waits for the next command" : go(id === receiver ? "taken by" : "given to");
  return {
    glyph: "you",
    tone: "you",
    title: [h("b", { text: receiver ? "Your message" : "Your hint" }), " · ", use],
    at,
    text,
  };
}

/** @param {any} sent @returns {Note} */
function gateNote({ kind, comments, at, items, settled_by: by }) {
  const open = items.filter((/** @type {any} */ one) => one.state === "open").length;
  const state = by
    ? open
      ? `${by} left ${open} open`
      : `${by} says that all is dealt with`
    : "waits for the next review";
  const answers = items
    .filter((/** @type {any} */ one) => one.words)
    .map((/** @type {any} */ one) => h("li", { dir: "auto", text: `${one.by}: ${one.words}` }));
  return {
    glyph: "back",
    tone: by && !open ? "good" : "warn",
    title: [
      h("b", { text: "You sent it back" }),
      ` at the look at its ${kind === "plan" ? "plan" : "work"} · ${state}`,
    ],
    at,
    text: comments || "Without a comment",
    parts: answers.length ? [h("ul", { class: "item-text answers" }, ...answers)] : [],
  };
}

/** @param {any} check @returns {Note} */
function checkNote({ command, ok, exit_code: code, at, duration_ms: ms, tail, machine }) {
  const where = machine ? ` on ${machine}` : "";
  const result = ok ? "passed" : code === null ? "took too long" : `ended with ${code}`;
  return {
    glyph: ok ? "check" : "cross",
    tone: ok ? "good" : "bad",
    title: [h("b", { text: "Verify" }), " ", h("code", { text: command }), ` ${result}${where} · ${duration(ms)}`],
    at,
    fold: tail || "It printed nothing.",
  };
}

/** @param {any} commit @param {Open} open @returns {Note} */
function commitNote(commit, open) {
  const { hash, subject, at, author } = commit;
  const link = h(
    "button",
    { type: "button", class: "plain change-link", on: { click: () => open.change(hash) } },
    sizeOf(commit),
  );
  const name = h("code", { class: "hash", text: hash.slice(0, 10), title: hash });
  return {
    glyph: "done",
    tone: "good",
    title: [
      h("b", { text: "Commit" }),
      " ",
      name,
      " ",
      h("span", { dir: "auto", text: subject }),
      author ? ` · ${author} ` : " ",
      link,
    ],
    at,
  };
}

/** @param {any} taken @param {Open} open @returns {Note} */
function byHandNote({ returned_at: at, diff, files_changed: files, ...rest }, open) {
  const words = diff ? "Your change by hand" : "You handed it back";
  const link = h("button", { type: "button", class: "plain change-link", on: { click: () => open.change(diff) } });
  if (diff) link.append(sizeOf({ files_changed: files, ...rest }));
  const state = diff
    ? [" · ", link]
    : files === null
      ? [" · what changed could not be measured"]
      : [" · you changed nothing"];
  return { glyph: "you", tone: "you", title: [h("b", { text: words }), ...state], at };
}
