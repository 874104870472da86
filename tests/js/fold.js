// @ts-check
/** Reads envelopes (a JSON array) from stdin and writes the state after each of them: for comparing the two folds. */
import { readFileSync } from "node:fs";
import { apply } from "../../static/state.js";
import { initial } from "../../static/state-initial.js";

let state = initial();
const states = JSON.parse(readFileSync(0, "utf8")).map((/** @type {any} */ event) => (state = apply(state, event)));
process.stdout.write(JSON.stringify(states));
