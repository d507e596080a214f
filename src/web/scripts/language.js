// The language of the page: the browser's, until somebody switches. Words are in words.js; data (dishes, stores,
// reasons) comes in its own languages and is chosen by `named`.

import { words, categories } from "./words.js";
import { storage } from "./session.js";

const SLOT = "qucan.language";
const known = Object.keys(words);
const listeners = new Set();

function preferred() {
  const kept = storage.get(SLOT);
  if (known.includes(kept)) return kept;
  for (const tag of navigator.languages ?? [navigator.language]) {
    const short = tag.slice(0, 2).toLowerCase();
    if (known.includes(short)) return short;
  }
  return "en";
}

let current = preferred();

/** "zh" or "en". */
export const language = () => current;

export function switchLanguage() {
  current = current === "zh" ? "en" : "zh";
  storage.set(SLOT, current);
  mark();
  for (const listener of listeners) listener();
}

export function onLanguage(listener) {
  listeners.add(listener);
}

function mark() {
  document.documentElement.lang = current === "zh" ? "zh-CN" : "en";
}
mark();

/** Adds the words of a page that keeps its own file, so that other pages need not load them. */
export function addWords(more) {
  for (const name of known) Object.assign(words[name], more[name]);
}

/** Whether there are words for `key`: what servers name may be newer than the page. */
export const hasWords = (key) => key in words[current];

/** The words for `key`, with {name} filled in. A missing key shows itself; a test keeps that from happening. */
export function t(key, values = {}) {
  const text = words[current][key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** A name of the catalogue in the chosen language, else in the one it has. */
export function named(name) {
  return name?.[current] || name?.zh || name?.en || "";
}

/** A category heading. They are data in one language; those that menus commonly use have an English name here. */
export function category(text) {
  return current === "en" ? (categories[text] ?? text) : text;
}

/** What a refusal means to the person before the screen. `itemName(sku)` finds a dish's name. */
export function explain(problem, itemName = (sku) => sku) {
  const members = problem.members ?? problem;
  const kind = problem.kind ?? String(members.type ?? "").split("/").pop();
  const key = `problem.${kind}`;
  if (!(key in words[current])) return members.detail ?? members.title ?? t("problem.unknown");
  return t(key, {
    item: members.sku === undefined ? "" : itemName(members.sku),
    available: members.available ?? 0,
    status: members.order_status === undefined ? "" : t(`status.${members.order_status}`),
  });
}
