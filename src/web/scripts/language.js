// The language of the page: the browser's, until somebody switches. Words are in words.js; data (dishes, stores,
// reasons) comes in its own languages and is chosen by `named`.

import { set, setting } from "./keep.js";
import { words as all, categories } from "./words.js";

const SLOT = "language";
/** @type {Record<string, Record<string, string>>} */
const vocabulary = all;
const known = Object.keys(vocabulary);
/** @type {Set<() => void>} */
const listeners = new Set();

function preferred() {
  const kept = setting(SLOT);
  if (kept && known.includes(kept)) return kept;
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
  set(SLOT, current);
  mark();
  for (const listener of listeners) listener();
}

/** @param {() => void} listener */
export function onLanguage(listener) {
  listeners.add(listener);
}

function mark() {
  document.documentElement.lang = current === "zh" ? "zh-CN" : "en";
}
mark();

/** Adds the words of a page that keeps its own file, so that other pages need not load them. @param {any} more */
export function addWords(more) {
  for (const name of known) Object.assign(vocabulary[name], more[name]);
}

/** Whether there are words for `key`: what servers name may be newer than the page. @param {string} key */
export const hasWords = (key) => key in vocabulary[current];

/**
 * The words for `key` in one language, with {name} filled in. A missing key shows itself; a test keeps that from happening.
 * @param {string} which @param {string} key @param {Record<string, any>} values
 */
export function words(which, key, values = {}) {
  const text = vocabulary[which][key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** The words for `key` in the chosen language. @param {string} key @param {Record<string, any>} [values] */
export function t(key, values) {
  return words(current, key, values);
}

/** A name of the catalogue in the chosen language, else in the one it has. @param {Name | undefined} name */
export function named(name) {
  return name?.[/** @type {"zh" | "en"} */ (current)] || name?.zh || name?.en || "";
}

/** A category heading. They are data in one language; those that menus commonly use have an English name here. @param {string} text */
export function category(text) {
  return current === "en" ? (/** @type {Record<string, string>} */ (categories)[text] ?? text) : text;
}

/** What a refusal means to the person before the screen. `itemName(sku)` finds a dish's name. @param {any} problem @param {(sku: string) => string} [itemName] */
export function explain(problem, itemName = (sku) => sku) {
  const members = problem.members ?? problem;
  const kind = problem.kind ?? String(members.type ?? "").split("/").pop();
  const key = `problem.${kind}`;
  if (!(key in vocabulary[current])) return members.detail ?? members.title ?? t("problem.unknown");
  return t(key, {
    item: members.sku === undefined ? "" : itemName(members.sku),
    available: members.available ?? 0,
    status: members.order_status === undefined ? "" : t(`status.${members.order_status}`),
  });
}
