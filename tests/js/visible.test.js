import assert from "node:assert/strict";
import test from "node:test";

import { visible } from "../../static/kit/visible.js";

test("controls become symbols, as on the server", () => {
  const shown = {
    "plain\n\ttext é 👩‍💻": "plain\n\ttext é 👩‍💻",
    "\u001b[31mred\u001b[0m": "red",
    "\u001b]8;;http://x\u0007link\u001b]8;;\u001b\\": "link",
    "a\r\nb\rc": "a\nb␍c",
    "\u0000\u0007\u007f": "␀␇␡",
    "user\u202e gpj.exe": "user[U+202E] gpj.exe",
    "\u{e0041}": "[U+E0041]",
    "\u001b": "␛",
  };
  for (const [text, expected] of Object.entries(shown)) assert.equal(visible(text), expected);
});
