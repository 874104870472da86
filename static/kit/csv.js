// @ts-check
/** Tables as CSV (RFC 4180), safe to open in a spreadsheet: no text becomes a formula there. */

/** What spreadsheets take for the beginning of a formula, also in full width. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;

/**
 * Numbers stay numbers, negative ones too; a text that would be a formula gets an apostrophe.
 * @param {unknown} value
 */
export function cell(value) {
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
  const text = String(value ?? "");
  const safe = FORMULA.test(text.trimStart()) || FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** @param {readonly unknown[]} head @param {readonly (readonly unknown[])[]} rows */
export function toCsv(head, rows) {
  return [head, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/** Hands a text to the browser as a file to keep. @param {string} name @param {string} text */
export function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
