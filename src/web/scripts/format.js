// Money, times and distances as people of the chosen language write them. Money comes and stays in minor units.

import { language } from "./language.js";

/** @type {Record<string, string>} */
const locales = { zh: "zh-CN", en: "en-GB" };

/** The locale of the chosen language. */
export const locale = () => locales[language()];

/** 6800 → ¥68.00: always to the fen, exact (amounts are far below 2^53). @param {number} fen */
export function money(fen, currency = "CNY") {
  return new Intl.NumberFormat(locale(), { style: "currency", currency, currencyDisplay: "narrowSymbol" }).format(fen / 100);
}

/** Hours and minutes. @param {string | number} time */
export function clock(time, seconds = false) {
  return new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(seconds ? { second: "2-digit" } : {}) }).format(new Date(time));
}

/** @param {string | number} time */
export function day(time) {
  return new Intl.DateTimeFormat(locale(), { month: "short", day: "numeric", weekday: "short" }).format(new Date(time));
}

/** @param {number} metres */
export function distance(metres) {
  const [value, unit] = metres < 1000 ? [Math.round(metres / 10) * 10, "meter"] : [metres / 1000, "kilometer"];
  return new Intl.NumberFormat(locale(), { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
}
