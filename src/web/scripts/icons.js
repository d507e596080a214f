// The few signs of the pages, drawn here. All of them stand beside words or have a name elsewhere.

import { el } from "./dom.js";

/** @type {Record<string, string>} */
const PATHS = {
  bell: "M12 3a6 6 0 0 0-6 6v4l-2 3v1h16v-1l-2-3V9a6 6 0 0 0-6-6zM10 19a2 2 0 0 0 4 0",
  "bell-off": "M6.5 7A6 6 0 0 1 18 9v4l2 3v1M15 17H4v-1l2-3V10M10 19a2 2 0 0 0 4 0M3 3l18 18",
  dish: "M4 16h16M5 16a7 7 0 0 1 14 0M12 9V7M3 19h18",
  tick: "M5 13l4 4L19 7",
  pin: "M12 21s7-6.2 7-11a7 7 0 0 0-14 0c0 4.8 7 11 7 11zM12 7.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5",
};

/** @param {string} name */
export function icon(name) {
  return el("svg", { class: "icon", viewBox: "0 0 24 24", width: "22", height: "22", fill: "none", stroke: "currentColor", "stroke-width": "2", "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true" },
    el("path", { d: PATHS[name] }));
}
