// What POS, kitchen and call screen share: signing in to one store, its name and state in the header, and how a ticket's lines look.

import { listAll, useTokens } from "./api.js";
import { chime } from "./chime.js";
import { el, notice, render } from "./dom.js";
import { keep, keepPage, recall } from "./keep.js";
import { explain, named, t } from "./language.js";
import { Session } from "./session.js";
import { startShell, title } from "./shell.js";
import { Push } from "./socket.js";
import { soundSwitch } from "./sound.js";

const STORES = "stores";
/** @type {Record<string, string>} */
const PAGES = { "page.pos": "/pos", "page.kitchen": "/kitchen", "page.screen": "/screen", "page.customer": "/" };
const LOOK_EVERY_MS = 15_000;

/**
 * @typedef {object} Desk
 * @property {Session} session
 * @property {Push} push
 * @property {Store} store
 * @property {() => void} draw
 * @property {boolean} ready
 */

/**
 * Starts a staff page. `page` is its title's key; `start(desk)` is called once a store is known; `view(desk)` gives what the page
 * shows; `extra(desk)` further header elements; `heading(desk)` what a tab in the background should say.
 * @param {{ page: string, start: (desk: Desk) => void, view: (desk: Desk) => Child, extra?: (desk: Desk) => Child, heading?: (desk: Desk) => string }} parts
 */
export async function startDesk({ page, start, view, extra = () => null, heading = () => "" }) {
  const main = /** @type {HTMLElement} */ (document.getElementById("main"));
  const session = new Session("store");
  let started = "";
  let due = false;
  session.ended = () => {
    form.paste = !session.sandbox;
    desk.ready = false;
    started = ""; // whoever signs in next begins anew
    draw();
  };
  const tokens = { get: () => session.get(), renew: () => session.renew() };
  useTokens(tokens);
  const form = { stores: /** @type {Store[]} */ ([]), choice: /** @type {string | null} */ (null), paste: false };
  /** @type {any} */
  const desk = { session, push: new Push(tokens, (state) => shell.changed(state)), store: null, draw, ready: false };

  const shell = startShell({
    page,
    push: () => desk.push,
    extra: () => (desk.ready ? [el("strong", { class: "store-here" }, desk.store.name), extra(desk), soundSwitch(true)] : []),
    redraw: draw,
  });

  // However much happens at once, the page is drawn once a frame; a page that nobody sees, now and then.
  function draw() {
    if (due) return;
    due = true;
    const now = () => {
      due = false;
      const began = performance.now();
      const place = desk.ready ? `${t(page)} · ${desk.store.name}` : t(page);
      title(`${desk.ready ? heading(desk) : ""}${place}`);
      shell.draw();
      if (desk.ready) render(main, view(desk));
      else render(main, el("div", { "data-key": "session" }, signInView()));
      pace(performance.now() - began);
    };
    if (document.visibilityState === "visible") requestAnimationFrame(now);
    else setTimeout(now, 250);
  }

  /** @param {string} storeId */
  function enter(storeId) {
    desk.store = form.stores.find((store) => store.id === storeId) ?? { id: storeId, name: storeId, accepting: true, open: true };
    // The address names the store, so that a reload or a bookmark opens the same one.
    history.replaceState(null, "", `${location.pathname}?store=${encodeURIComponent(storeId)}`);
    desk.ready = true;
    if (started !== storeId) start(desk);
    started = storeId;
    draw();
  }

  /** @param {Event} [event] */
  async function choose(event) {
    event?.preventDefault();
    const choice = form.choice ?? "";
    try {
      if (session.get() && !session.sandbox) return enter(session.store ?? choice);
      if (session.get() && session.store === choice) return enter(choice);
      if (await session.begin(`${page.split(".").pop()}-${choice}`, choice)) return enter(choice);
      form.paste = true;
    } catch (problem) {
      notice(explain(problem), "bad");
    }
    return draw();
  }

  /** @param {any} event */
  async function paste(event) {
    event.preventDefault();
    if (!session.adopt(String(new FormData(event.target).get("token") ?? ""))) return notice(t("staff.token-bad"), "bad");
    form.paste = false;
    return session.store ? choose() : draw();
  }

  /** Whoever opened the wrong page finds the right one. */
  function otherPages() {
    return el("nav", { class: "row session-pages", "aria-label": t("staff.pages") },
      Object.entries(PAGES).filter(([key]) => key !== page).map(([key, path]) => el("a", { class: "button plain", href: path }, t(key))));
  }

  function signInView() {
    if (form.paste) {
      return el("form", { class: "card session", onsubmit: paste },
        el("h1", {}, t(page)),
        el("div", { class: "field" }, el("label", { for: "token" }, t("staff.token")), el("textarea", { id: "token", name: "token", rows: "4", required: true, autocomplete: "off", spellcheck: "false", "aria-describedby": "token-hint" }),
          el("p", { class: "muted small", id: "token-hint" }, t("staff.token-hint"))),
        el("button", { class: "primary large", type: "submit" }, t("staff.start")),
        otherPages());
    }
    return el("form", { class: "card session", onsubmit: choose },
      el("h1", {}, t(page)), el("p", { class: "muted" }, t("staff.choose")),
      el("div", { class: "field" }, el("label", { for: "store" }, t("staff.store")),
        el("select", { id: "store", value: form.choice ?? "", onchange: (/** @type {any} */ event) => (form.choice = event.target.value) }, form.stores.map((store) => el("option", { value: store.id, selected: store.id === form.choice }, `${store.city} · ${store.name}`)))),
      el("button", { class: "primary large", type: "submit", disabled: form.stores.length === 0 }, t("staff.start")),
      otherPages());
  }

  // The directory: from the node, or (with a line that is cut) as it was known last.
  async function directory() {
    try {
      form.stores = await listAll("/v1/stores?limit=500", "stores", { open: true, attempts: 1 });
      keep(STORES, form.stores);
      return true;
    } catch (problem) {
      if (form.stores.length === 0) notice(explain(problem), "bad");
      return false;
    }
  }

  // Whether the store takes orders may be changed elsewhere: at another till, or by the end of a pause.
  async function lookAgain() {
    if (!(await directory()) || !desk.store) return;
    desk.store = form.stores.find((store) => store.id === desk.store.id) ?? desk.store;
    draw();
  }

  chime.listen(draw);
  whenIdle(chime.begin); // the browser takes its time for it
  keepPage();
  form.stores = recall(STORES) ?? [];
  const asked = new URLSearchParams(location.search).get("store") ?? session.store;
  form.choice = asked ?? form.stores[0]?.id ?? null;
  const known = () => asked && form.stores.some((store) => store.id === asked);
  if (known()) choose();
  draw();
  for (let wait = 1000; !(await directory()); wait = Math.min(wait * 2, 15_000)) await new Promise((resolve) => setTimeout(resolve, wait));
  form.choice ??= form.stores[0]?.id ?? null;
  if (!desk.ready && known()) await choose();
  else if (desk.ready) desk.store = form.stores.find((store) => store.id === desk.store.id) ?? desk.store;
  draw();
  setInterval(lookAgain, LOOK_EVERY_MS);
}

/** Does something when nothing else is to be done, soon in any case. @param {() => void} work */
function whenIdle(work) {
  if ("requestIdleCallback" in window) requestIdleCallback(work, { timeout: 3_000 });
  else setTimeout(work, 0);
}

/** How long a frame may draw; laying it out takes as long again, and a tenth of a second is too much. */
const DRAW_MS = 14;
const STEP_LEAST = 2;
const STEP_MOST = 24;
let step = STEP_LEAST;
let allowed = STEP_LEAST;
let growing = false;

/** Fits what the next frame may add to how long this one took: few tickets on a slow machine, many on a quick one. @param {number} ms */
function pace(ms) {
  step = ms > DRAW_MS ? Math.max(STEP_LEAST, Math.floor(step / 2)) : Math.min(STEP_MOST, step + STEP_LEAST);
}

/**
 * As many of a long list as may be drawn in this frame; the rest follows in the next ones, so that none of them is late.
 * @template T @param {T[]} list @param {() => void} draw @returns {T[]}
 */
export function gradually(list, draw) {
  if (list.length > allowed && !growing) {
    growing = true;
    requestAnimationFrame(() => {
      growing = false;
      allowed += step;
      draw();
    });
  }
  return list.slice(0, allowed);
}

/** The lines of an order as a list, with options and note. @param {Order} order */
export function ticketLines(order) {
  return [
    el("ul", { class: "ticket-lines" }, order.lines.map((line) =>
      el("li", {}, el("span", { class: "numbers ticket-quantity" }, `${line.quantity}×`), el("span", {}, named(line.name), el("span", { class: "ticket-options" }, (line.options ?? []).map((one) => named(one.name) || one.choice).join(" · ")))))),
    order.note ? el("p", { class: "ticket-note" }, el("strong", {}, `${t("order.note")}: `), order.note) : null,
  ];
}
