// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, sourceText, titleOf, toText, words, yaml } from "../../static/settings/setting-format.js";
import { grouped } from "../../static/settings/topics.js";

/**
 * @param {Partial<import("../../static/settings/setting-format.js").Setting>} fields
 * @returns {import("../../static/settings/setting-format.js").Setting}
 */
function setting(fields) {
  return {
    name: "retries",
    value: 2,
    default: 2,
    source: "default",
    allowed: "a whole number from 0 to 20",
    effect: "e",
    kind: "integer",
    low: 0,
    high: 20,
    choices: [],
    optional: false,
    editable: true,
    applies: "at once",
    locked: null,
    ...fields,
  };
}

test("a whole number within its range, and nothing else", () => {
  for (const [text, value] of /** @type {const} */ ([
    ["0", 0],
    ["20", 20],
    [" 7 ", 7],
  ]))
    assert.deepEqual(parse(setting({}), text), { value, error: null });
  for (const text of ["", "21", "-1", "1.5", "1e1", "0x1", "x", "9".repeat(40)])
    assert.equal(parse(setting({}), text).error, "Must be a whole number from 0 to 20.", text);
});

test("a number may have a fraction, an optional one may be nothing", () => {
  const budget = setting({
    kind: "number",
    low: 0.01,
    high: 1_000_000,
    optional: true,
    allowed: "a number from 0.01 to 1000000",
  });
  assert.equal(parse(budget, "12.50").value, 12.5);
  assert.equal(parse(budget, "").value, null);
  assert.equal(parse(budget, "0").error, "Must be a number from 0.01 to 1000000, or empty for none.");
});

test("choices, switches, addresses and command lines", () => {
  assert.equal(parse(setting({ kind: "text", choices: ["auto", "classic"] }), "auto").value, "auto");
  assert.ok(parse(setting({ kind: "text", choices: ["auto"] }), "fast").error);
  assert.equal(parse(setting({ kind: "boolean" }), "true").value, true);
  assert.ok(parse(setting({ kind: "boolean" }), "yes").error);
  assert.ok(parse(setting({ kind: "url" }), "ftp://x").error);
  const command = setting({ kind: "command", optional: true });
  assert.equal(parse(command, `sh -c "it's fine"`).value, `sh -c "it's fine"`);
  for (const open of [`sh -c "x`, "it's", `a "b\\"`])
    assert.equal(parse(command, open).error, "A quote is never closed.", open);
});

test("every setting has a home, also one that no topic names", () => {
  const names = (/** @type {string[]} */ ...all) =>
    grouped(all.map((name) => setting({ name }))).map((group) => [group.title, group.settings.map(({ name }) => name)]);
  assert.deepEqual(names("port", "retries", "agent", "brand_new"), [
    ["Agents", ["agent"]],
    ["Workflow", ["retries"]],
    ["Server and records", ["port", "brand_new"]],
  ]);
  assert.equal(titleOf("brand_new"), "Brand new");
});

test("a mapping is the same text for the same entries, and nothing for none", () => {
  const commands = setting({ name: "commands", kind: "mapping" });
  const text = toText({ b: { model: "x", agent: null }, a: { agent: "codex", model: "" }, c: {} });
  assert.equal(text, '{"a":{"agent":"codex"},"b":{"model":"x"}}');
  assert.deepEqual(parse(commands, text).value, { a: { agent: "codex" }, b: { model: "x" } });
  assert.equal(parse(commands, toText({})).value, null);
});

test("values and their sources in words", () => {
  assert.deepEqual(
    [
      words(setting({}), null),
      words(setting({ kind: "boolean" }), true),
      words(setting({}), ["a", "b"]),
      words(setting({}), []),
    ],
    ["none", "on", "a, b", "none"],
  );
  assert.equal(sourceText(setting({ source: "environment" })), "from SPRINT_RUNNER_RETRIES");
});

test("a mapping is shown as the file would say it, without what is empty", () => {
  const agents = { own: { kind: "text", command: ["run", "--x: y"], model: null, env: {} } };
  assert.equal(yaml(agents), 'own:\n  kind: text\n  command: [run, "--x: y"]\n');
  assert.equal(yaml({ phases: [{ name: "a", commands: ["x"] }] }), "phases: \n  - name: a\n    commands: [x]\n");
});
