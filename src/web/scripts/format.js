// Money, times and distances as people of the chosen language write them. Money comes and stays in minor units.

import { language } from "./language.js";

/** @type {Record<string, string>} */
const locales = { zh: "zh-CN", en: "en-GB" };

/** The locale of the chosen language. */
export const locale = () => locales[language()];

/** @type {Map<string, any>} making a formatter costs a slow phone more than all that it formats */
const formatters = new Map();

/** @template T @param {string} name @param {() => T} make @returns {T} */
function formatter(name, make) {
  const key = `${locale()} ${name}`;
  if (!formatters.has(key)) formatters.set(key, make());
  return formatters.get(key);
}

/** 6800 → ¥68.00: always to the fen, exact (amounts are far below 2^53). @param {number} fen */
export function money(fen, currency = "CNY") {
  return formatter(currency, () => new Intl.NumberFormat(locale(), { style: "currency", currency, currencyDisplay: "narrowSymbol" })).format(fen / 100);
}

/** 10000 → 10,000. @param {number} value */
export function number(value) {
  return formatter("number", () => new Intl.NumberFormat(locale())).format(value);
}

/** Hours and minutes. @param {string | number} time */
export function clock(time, seconds = false) {
  return formatter(`clock ${seconds}`, () => new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(seconds ? { second: "2-digit" } : {}) })).format(new Date(time));
}

/** @param {string | number} time */
export function day(time) {
  return formatter("day", () => new Intl.DateTimeFormat(locale(), { month: "short", day: "numeric", weekday: "short" })).format(new Date(time));
}

/** @param {number} metres */
export function distance(metres) {
  const [value, unit] = metres < 1000 ? [Math.round(metres / 10) * 10, "meter"] : [metres / 1000, "kilometer"];
  return new Intl.NumberFormat(locale(), { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
}
