// The pickup-call screen: codes to collect and codes being prepared, readable from ten metres. Nothing to touch. Every code that is
// ready is on it, always: with more of them the letters become smaller, never fewer.

import { call, path } from "./api.js";
import { el, notice } from "./dom.js";
import { clock } from "./format.js";
import { explain, t, words } from "./language.js";
import { calling, callOut, stillWaiting } from "./screen-call.js";
import { startDesk } from "./staff.js";
import { now } from "./time.js";

const CLOCK_EVERY_MS = 10_000;
const SMALLEST_PX = 20;
const TRIES_MAX = 12;

/** @type {Board} */
let board = { preparing: [], ready: [] };
let known = false;
/** @type {import("./staff.js").Desk} */
let desk;

/** @param {import("./staff.js").Desk} started */
function start(started) {
  desk = started;
  const show = (/** @type {Board} */ now) => {
    // What was ready before this screen began has been called by another; what became ready while the line was cut was not.
    const fresh = known ? now.ready.filter((code) => !board.ready.includes(code)) : [];
    board = now;
    known = true;
    stillWaiting(board.ready, desk.draw);
    callOut(fresh, desk.draw);
    desk.draw();
  };
  const poll = async () => show(await call("GET", path`/v1/stores/${desk.store.id}/board`));
  desk.push.subscribe(`board/${desk.store.id}`, {
    snapshot: show,
    event: (_, board) => show(board),
    poll,
    problem: (problem) => notice(explain(problem), "bad"),
  });
  poll().catch(() => {});
  setInterval(desk.draw, CLOCK_EVERY_MS);
  stayAwake();
}

// A screen on a wall must not go dark; where the browser can't promise that, its settings must.
async function stayAwake() {
  try {
    await navigator.wakeLock?.request("screen");
  } catch {
    // not while it is hidden, or not at all
  }
}
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && stayAwake());

/** What each list was fitted for last: with the same codes in the same room nothing is measured. @type {WeakMap<Element, string>} */
const fitted = new WeakMap();

const sizes = new ResizeObserver(fit);

/** Gives every list letters as large as fit. Every try makes the browser lay the list out, so there are few. */
function fit() {
  for (const list of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".codes"))) {
    const room = /** @type {HTMLElement} */ (list.parentElement);
    sizes.observe(room);
    if (list.clientHeight === 0) continue;
    const shown = `${list.textContent} ${list.childElementCount} ${room.clientWidth} ${room.clientHeight} ${list.clientHeight}`;
    if (fitted.get(list) === shown) continue;
    fitted.set(list, shown);
    let size = Math.min(room.clientWidth / 2.6, room.clientHeight / 2.2, Number(list.dataset.largest) * innerWidth);
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      list.style.fontSize = `${size}px`;
      const over = Math.max(list.scrollHeight / (list.clientHeight + 1), (list.scrollWidth / (list.clientWidth + 1)) ** 2);
      if (over <= 1 || size === SMALLEST_PX) break;
      // Letters half as high need a quarter of the room; a little less than that, for rows that break otherwise.
      size = Math.max(SMALLEST_PX, (size / Math.sqrt(over)) * 0.97);
    }
  }
}

/** @param {string[]} list @param {number} largest part of the screen's width that a letter may be high */
const codes = (list, largest) => el("ul", { class: "codes", "data-largest": largest }, list.map((code) => el("li", { "data-key": code, class: code === calling.code ? "called" : "" }, code)));

/** A heading in the language chosen, and smaller in the other one: guests read either. @param {string} id @param {string} key */
function heading(id, key) {
  const other = document.documentElement.lang === "en" ? "zh" : "en";
  return el("h2", { id }, t(key), " ", el("span", { class: "other", lang: other === "zh" ? "zh-CN" : "en" }, words(other, key)));
}

function view() {
  requestAnimationFrame(fit);
  return el("div", { class: "board" },
    el("h1", { class: "hidden-visually" }, `${t("page.screen")} · ${desk.store.name}`),
    el("section", { class: "board-ready", "aria-labelledby": "ready-title", "data-key": "ready" },
      heading("ready-title", "screen.ready"),
      calling.code !== null ? el("p", { class: "calling", "data-key": `calling ${calling.code}` }, calling.code) : null,
      board.ready.length === 0 ? el("p", { class: "muted none-yet" }, t(known ? "screen.none-ready" : "loading")) : codes(board.ready, 0.11)),
    el("section", { class: "board-preparing", "aria-labelledby": "preparing-title", "data-key": "preparing" },
      heading("preparing-title", "screen.preparing"),
      codes(board.preparing, 0.06)));
}

await startDesk({
  page: "page.screen",
  start,
  view,
  extra: () => el("span", { class: "numbers screen-clock" }, clock(now())),
});
