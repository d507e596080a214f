// Choosing a store: nearest first when the customer gives a position, by city otherwise.

import { listAll } from "./api.js";
import { app } from "./customer-app.js";
import { el, notice, once } from "./dom.js";
import { distance } from "./format.js";
import { t } from "./language.js";
import { title } from "./shell.js";

const state = { search: "", near: "" };

const position = () =>
  new Promise((resolve, reject) => {
    if (!navigator.geolocation) reject(new Error("no geolocation"));
    else navigator.geolocation.getCurrentPosition(({ coords }) => resolve(coords), reject, { timeout: 10_000, maximumAge: 300_000 });
  });

export async function openStores() {
  app.stores = await listAll(`/v1/stores?limit=500${state.near}`, "stores", { open: true });
  app.view = "stores";
}

const findNear = once(async () => {
  let coords;
  try {
    coords = await position();
  } catch {
    notice(t("stores.no-position"));
    return;
  }
  try {
    state.near = `&near=${coords.latitude.toFixed(4)},${coords.longitude.toFixed(4)}`;
    await openStores();
    notice(t("stores.nearest-first"));
  } catch (problem) {
    app.failed(problem);
  }
  app.draw();
});

export function storeTag(store) {
  if (!store.open) return el("span", { class: "tag" }, t("stores.closed"));
  if (!store.accepting) return el("span", { class: "tag warn" }, t("stores.paused"));
  const wait = store.wait_minutes > 0 ? ` · ${t("stores.wait", { minutes: store.wait_minutes })}` : "";
  return el("span", { class: "tag good" }, t("stores.open") + wait);
}

export function storesView() {
  title(t("stores.title"));
  const wanted = state.search.trim().toLowerCase();
  const found = app.stores.filter((store) => [store.name, store.city, store.address].some((text) => text.toLowerCase().includes(wanted)));
  return el("div", { class: "page" },
    el("h1", { tabindex: "-1" }, t("stores.title")),
    el("div", { class: "finder" },
      el("input", { type: "search", value: state.search, "aria-label": t("stores.search"), placeholder: t("stores.search"), autocomplete: "off", oninput: (event) => { state.search = event.target.value; app.draw(); } }),
      el("button", { type: "button", onclick: findNear }, t("stores.near"))),
    found.length === 0 ? el("p", { class: "empty", role: "status" }, t("stores.none")) : null,
    el("ul", { class: "stores" }, found.map((store) =>
      el("li", { "data-key": store.id },
        el("a", { class: "card store", href: `#/store/${encodeURIComponent(store.id)}` },
          el("span", { class: "store-name" }, store.name),
          storeTag(store),
          el("span", { class: "muted small numbers store-place" }, [store.distance_m === undefined ? null : distance(store.distance_m), store.city, store.address].filter(Boolean).join(" · ")))))));
}

/** One store as the directory has it now: whether it is open and accepting is never taken from memory. */
export async function findStore(id) {
  const known = app.stores?.find((store) => store.id === id);
  const stores = await listAll(`/v1/stores?limit=500${known ? `&q=${encodeURIComponent(known.name)}` : ""}`, "stores", { open: true });
  app.stores ??= stores;
  return stores.find((store) => store.id === id) ?? null;
}
