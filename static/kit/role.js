// @ts-check
/**
 * The role of the page's user. The server writes it into the page of a reader, where one rule of the style
 * hides everything that is marked with `data-verb`; keys and what is dragged ask here.
 */

export const isReader = globalThis.document?.documentElement.dataset.role === "reader";

/** Why a reader can change nothing. */
export const READER_WORDS = "You are here as a reader, who can change nothing.";
