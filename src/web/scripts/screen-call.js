// Calling new numbers, one after the other: large for a few seconds, with a chime and (where the browser has it) a voice in both
// languages. A call only adds to the board; the number stays on it as long as it waits.

import { chime } from "./chime.js";
import { announce } from "./dom.js";
import { t, words } from "./language.js";

const SHOWN_MS = 7_000;
const QUEUED_MAX = 50;

/** @type {string[]} */
const queue = [];
let timer = 0;

/** The number being called now. */
export const calling = { code: /** @type {string | null} */ (null) };

/** Calls these numbers. @param {string[]} codes @param {() => void} draw */
export function callOut(codes, draw) {
  if (codes.length === 0) return;
  announce(t("screen.announce", { codes: codes.join(", ") }));
  queue.push(...codes);
  queue.splice(0, Math.max(0, queue.length - QUEUED_MAX));
  if (calling.code === null) next(draw);
}

/** Numbers that are collected need no call any more. @param {string[]} ready @param {() => void} draw */
export function stillWaiting(ready, draw) {
  for (let index = queue.length - 1; index >= 0; index -= 1) if (!ready.includes(queue[index])) queue.splice(index, 1);
  if (calling.code !== null && !ready.includes(calling.code)) next(draw);
}

/** @param {() => void} draw */
function next(draw) {
  clearTimeout(timer);
  calling.code = queue.shift() ?? null;
  if (calling.code !== null) {
    chime.ring("call");
    const spoken = [...calling.code].join(" ");
    chime.say(words("zh", "screen.voice", { code: spoken }), "zh-CN");
    chime.say(words("en", "screen.voice", { code: spoken }), "en-GB");
    timer = setTimeout(() => next(draw), SHOWN_MS);
  }
  draw();
}
