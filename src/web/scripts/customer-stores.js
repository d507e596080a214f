// Choosing a store: nearest first when the customer gives a position, else the ones visited last, and a search.

import { listAll, Problem } from "./api.js";
import { app, isAway } from "./customer-app.js";
import { el, notice, once } from "./dom.js";
import { distance } from "./format.js";
import { icon } from "./icons.js";
import { keep, recall } from "./keep.js";
import { t } from "./language.js";
import { title } from "./shell.js";

const RECENT_MAX = 3;
const state = { search: "", near: "" };

/** @returns {Promise<GeolocationCoordinates>} */
const position = () =>
  new Promise((resolve, reject) => {
    if (!navigator.geolocation) reject(new Error("no geolocation"));
    else navigator.geolocation.getCurrentPosition(({ coords }) => resolve(coords), reject, { timeout: 10_000, maximumAge: 300_000 });
  });

/** The list that was kept at once, then the present one. @param {import("./customer-app.js").Show} show */
export async function openStores(show) {
  const enter = (/** @type {Store[]} */ stores, offline = false) => show(() => Object.assign(app, { stores, offline, view: "stores" }));
  const asked = state.near;
  const kept = asked === "" ? recall("stores") : null;
  if (kept) enter(kept);
  nearIfAllowed();
  try {
    const stores = await listAll(`/v1/stores?limit=500${asked}`, "stores", { open: true });
    if (asked === "") keep("stores", stores);
    enter(state.near === asked ? stores : app.stores); // the nearest first may have come meanwhile
  } catch (problem) {
    if (!kept || !isAway(problem)) throw problem;
    enter(kept, true);
  }
}

async function findNear() {
  const coords = await position();
  const near = `&near=${coords.latitude.toFixed(4)},${coords.longitude.toFixed(4)}`;
  app.stores = await listAll(`/v1/stores?limit=500${near}`, "stores", { open: true });
  state.near = near;
  app.draw();
}

const askNear = once(async () => {
  try {
    await findNear();
    notice(t("stores.nearest-first"));
  } catch (problem) {
    if (problem instanceof Problem) app.failed(problem);
    else notice(t("stores.no-position"));
  }
});

// Who has allowed it before need not ask again.
async function nearIfAllowed() {
  if (state.near !== "") return;
  try {
    const { state: allowed } = await navigator.permissions.query({ name: "geolocation" });
    if (allowed === "granted") await findNear();
  } catch {
    // then by the button
  }
}

/** Remembers where somebody was, for the next time. @param {string} id */
export function visited(id) {
  keep("recent", [id, ...(recall("recent") ?? []).filter((/** @type {string} */ one) => one !== id)].slice(0, RECENT_MAX));
}

/** @param {Store} store */
export function storeTag(store) {
  if (!store.open) return el("span", { class: "tag" }, t("stores.closed"));
  if (!store.accepting) return el("span", { class: "tag warn" }, t("stores.paused"));
  const wait = store.wait_minutes > 0 ? ` · ${t("stores.wait", { minutes: store.wait_minutes })}` : "";
  return el("span", { class: "tag good" }, t("stores.open") + wait);
}

export function storesView() {
  title(t("stores.title"));
  const wanted = state.search.trim().toLowerCase();
  const fits = (/** @type {Store} */ store) => [store.name, store.city, store.address].some((text) => text.toLowerCase().includes(wanted));
  /** @type {string[]} */
  const recent = state.near === "" ? (recall("recent") ?? []) : [];
  const place = (/** @type {Store} */ store) => (recent.includes(store.id) ? recent.indexOf(store.id) : RECENT_MAX);
  const found = app.stores.filter(fits).sort((a, b) => place(a) - place(b));
  return el("div", { class: "page" },
    el("h1", { tabindex: "-1" }, t("stores.title")),
    app.offline ? el("p", { class: "banner" }, t("offline.stores")) : null,
    el("div", { class: "finder" },
      el("input", { type: "search", value: state.search, "aria-label": t("stores.search"), placeholder: t("stores.search"), autocomplete: "off", oninput: (/** @type {any} */ event) => { state.search = event.target.value; app.draw(); } }),
      el("button", { type: "button", class: state.near === "" ? "primary" : "", onclick: askNear }, icon("pin"), t("stores.near"))),
    found.length === 0 ? el("p", { class: "empty", role: "status" }, t("stores.none")) : null,
    el("ul", { class: "stores" }, found.map((store) =>
      el("li", { "data-key": store.id },
        el("a", { class: "card store", href: `#/store/${encodeURIComponent(store.id)}` },
          el("span", { class: "store-name" }, store.name),
          storeTag(store),
          el("span", { class: "muted small numbers store-place" }, [recent.includes(store.id) ? t("stores.recent") : null, store.distance_m === undefined ? null : distance(store.distance_m), store.city, store.address].filter(Boolean).join(" · ")))))));
}

/**
 * One store as the directory has it now: whether it is open and accepting is never taken from memory.
 * @param {string} id @returns {Promise<Store | null>}
 */
export async function findStore(id) {
  const stores = await listAll(`/v1/stores?limit=500&q=${encodeURIComponent(id)}`, "stores", { open: true });
  return stores.find((store) => store.id === id) ?? null;
}
