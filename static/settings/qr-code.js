// @ts-check
/** A QR code as a drawing: dark on white in every theme, as cameras expect, with its border of four modules. */

const SVG = "http://www.w3.org/2000/svg";
const BORDER = 4;

/** @param {number} size modules of a side @param {string} path of the dark ones */
export function qrCode(size, path) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "qr");
  svg.setAttribute("viewBox", `${-BORDER} ${-BORDER} ${size + 2 * BORDER} ${size + 2 * BORDER}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", "QR code; the address is below it");
  svg.setAttribute("shape-rendering", "crispEdges");
  const dark = document.createElementNS(SVG, "path");
  dark.setAttribute("d", path);
  svg.append(dark);
  return svg;
}
