// The dashboard of headquarters: signs in, keeps the live line, shows what the address asks for. The last figures stay on
// the page while the line is cut, with their age.

import { useTokens } from "./api.js";
import { addWords, explain, t } from "./language.js";
import { clearNotices, el, notice, render } from "./dom.js";
import { keepPage } from "./keep.js";
import { Session, storage } from "./session.js";
import { startShell } from "./shell.js";
import { app } from "./dashboard-app.js";
import { Burn } from "./dashboard-burn.js";
import { restCharts, watchCharts } from "./dashboard-chart.js";
import { Feed } from "./dashboard-feed.js";
import { headState, stale, tell } from "./dashboard-header.js";
import { ordersView, orderView, wantedOrder, wantedOrders } from "./dashboard-orders.js";
import { overviewView, wantedOverview } from "./dashboard-overview.js";
import { regionView, wantedRegion } from "./dashboard-regions.js";
import { Stream } from "./dashboard-stream.js";
import { storeView, wantedStore } from "./dashboard-stores.js";
import { hrefOf, identity, placeOf } from "./dashboard-url.js";
import { words } from "./dashboard-words.js";

addWords(words);

/** The last figures, kept in this tab alone: whoever has no token sees none. */
const KEPT = "qucan.figures";
const KEEP_EVERY_MS = 10_000;

const main = /** @type {HTMLElement} */ (document.getElementById("main"));
const session = new Session("operator");
const tokens = {
  get: () => session.get(),
  renew: async () => {
    const renewed = await session.renew();
    if (!renewed) askForToken();
    return renewed;
  },
};
useTokens(tokens);

/** @type {Record<Hq.Place["view"], { view: () => Child, wanted: () => Hq.Wanted[] }>} */
const VIEWS = {
  overview: { view: overviewView, wanted: wantedOverview },
  region: { view: regionView, wanted: wantedRegion },
  store: { view: storeView, wanted: wantedStore },
  orders: { view: ordersView, wanted: () => wantedOrders(app.place) },
  order: { view: orderView, wanted: wantedOrder },
};

let planned = false;

/** Draws once before the next frame, however often it is asked for. */
function draw() {
  if (planned) return;
  planned = true;
  const now = () => {
    planned = false;
    drawNow();
  };
  if (document.visibilityState === "visible") requestAnimationFrame(now);
  else setTimeout(now, 0);
}

function drawNow() {
  shell.draw();
  tell();
  document.body.classList.toggle("stale", stale());
  if (app.signIn) return render(main, el("div", { "data-key": "session" }, signInView()));
  if (!app.summary) return render(main, el("p", { class: "empty", "data-key": "loading" }, t("loading")));
  render(main, el("div", { class: `view ${app.place.view}`, "data-key": identity(app.place) }, VIEWS[app.place.view].view()));
  return watchCharts();
}

const look = () => app.summary && app.stream.state === "live" && app.feed.look(VIEWS[app.place.view].wanted());

/** @param {Hq.Picture} picture */
function take({ at, summary, regions, minute = null }) {
  Object.assign(app, { at: Date.parse(at), summary, regions, minute });
}

let keptAt = -Infinity;

/** @param {Hq.Picture} picture */
function keepFigures(picture) {
  if (performance.now() - keptAt < KEEP_EVERY_MS) return;
  keptAt = performance.now();
  storage.set(KEPT, JSON.stringify({ heard: Date.now(), picture }));
}

/** What this tab showed last: with its age until the centre answers, or while it can't. */
function recallFigures() {
  try {
    const { heard, picture } = JSON.parse(storage.get(KEPT) ?? "null") ?? {};
    if (!picture) return;
    take(picture);
    app.stream.lastHeard = heard;
  } catch {
    storage.remove(KEPT);
  }
}

/** @param {string} event @param {Hq.Picture} data */
function message(event, data) {
  if (event !== "snapshot" && event !== "tick") return;
  take(data);
  app.burn.take(Date.parse(data.at), data.summary.campaigns);
  keepFigures(data);
  draw();
  // Only now, when what is shown is known, is more asked for.
  requestAnimationFrame(() => requestAnimationFrame(look));
}

/** @param {string} state */
function lineChanged(state) {
  if (state === "refused") askForToken();
  draw();
}

/** @param {Hq.Changes} changes */
function go(changes, { replace = false } = {}) {
  const href = hrefOf(app.place, changes);
  if (href === location.hash || (href === "#/" && location.hash === "")) return;
  if (replace) history.replaceState(null, "", href);
  else history.pushState(null, "", href);
  route();
}

function route() {
  const before = app.place;
  app.place = placeOf(location.hash);
  const another = before && identity(before) !== identity(app.place);
  if (another) restCharts();
  if (app.stream) look();
  if (!another) return draw();
  clearNotices();
  drawNow();
  scrollTo(0, 0);
  // A new view begins at its heading, for eyes and screen readers alike.
  /** @type {HTMLElement | null} */ (main.querySelector("h1"))?.focus({ preventScroll: true });
  return undefined;
}

/** A token is needed: the line rests until there is one. */
function askForToken() {
  app.stream?.stop();
  app.feed.forget();
  app.signIn = true;
  app.summary = null;
  storage.remove(KEPT);
  draw();
}

function begin() {
  app.signIn = false;
  app.unreachable = false;
  app.stream.start();
  draw();
}

/** @param {any} event */
function paste(event) {
  event.preventDefault();
  if (!session.adopt(String(new FormData(event.target).get("token") ?? ""))) return notice(t("hq.token-bad"), "bad");
  return begin();
}

function signInView() {
  return el("form", { class: "card session", onsubmit: paste },
    el("h1", { tabindex: "-1" }, t("page.dashboard")),
    el("div", { class: "field" },
      el("label", { for: "token" }, t("staff.token")),
      el("textarea", { id: "token", name: "token", rows: "4", required: true, autocomplete: "off", spellcheck: "false", "aria-describedby": "token-hint" }),
      el("p", { class: "muted small", id: "token-hint" }, t("hq.token-hint"))),
    el("button", { class: "primary large", type: "submit" }, t("hq.open")));
}

/** In the sandbox a token comes for the asking; elsewhere it was in the link or must be pasted. */
async function signIn() {
  for (let wait = 1000; !session.get(); wait = Math.min(wait * 2, 15_000)) {
    try {
      if (!(await session.begin("headquarters"))) return false;
    } catch (problem) {
      app.unreachable = true;
      draw();
      notice(explain(problem), "bad");
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
  return true;
}

Object.assign(app, { session, burn: new Burn(), feed: new Feed(draw), draw, go });
app.place = placeOf(location.hash);
app.stream = new Stream("/v1/stream", tokens, { message, changed: lineChanged });
const shell = startShell({ page: "page.dashboard", state: headState, redraw: draw });
addEventListener("hashchange", route);
addEventListener("popstate", route);
addEventListener("scroll", look, { passive: true });
document.addEventListener("visibilitychange", look);
// The age of the figures grows by itself.
setInterval(() => (app.stream.state !== "live" || Date.now() - (app.stream.lastHeard ?? 0) > 5_000) && draw(), 1000);
if (session.get()) recallFigures();
draw();
keepPage();
if (await signIn()) begin();
else askForToken();
