// Figures as headquarters reads them: grouped digits, percentages, spans of time, bytes, always by the language's rules.

import { clock, locale, money } from "./format.js";
import { t } from "./language.js";

/** @type {Map<string, Intl.NumberFormat>} */
const formats = new Map();

/** @param {Intl.NumberFormatOptions} options */
function number(options) {
  const key = `${locale()} ${JSON.stringify(options)}`;
  const kept = formats.get(key) ?? new Intl.NumberFormat(locale(), options);
  formats.set(key, kept);
  return kept;
}

const DASH = "–";

/** 1234567 → 1,234,567. @param {number | null | undefined} value */
export const count = (value) => (value === undefined || value === null ? DASH : number({}).format(value));

/** 12345 → 12K or 1.2万, for axes. @param {number} value */
export const compact = (value) => number({ notation: "compact", maximumFractionDigits: 1 }).format(value);

/** Part of a whole in per cent; a dash where there is no whole. @param {number} part @param {number} whole */
export function share(part, whole, digits = 1) {
  if (!whole) return DASH;
  return number({ style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits }).format(part / whole);
}

/** How much more or less than before, with its sign. @param {number | null} now @param {number | null} before */
export function change(now, before) {
  if (!before || now === null) return DASH;
  return number({ style: "percent", signDisplay: "exceptZero", maximumFractionDigits: Math.abs(now / before - 1) < 0.1 ? 1 : 0 }).format(now / before - 1);
}

/** A number of minor units, or several by currency; large sums without their cents, which nobody reads.
 * @param {Hq.Revenue | null | undefined} revenue @param {string} [currency] @returns {string} */
export function sum(revenue, currency) {
  if (revenue !== null && typeof revenue === "object") {
    const parts = Object.entries(revenue);
    return parts.length === 0 ? DASH : parts.map(([name, amount]) => sum(amount, name)).join(" + ");
  }
  if (revenue === undefined || revenue === null) return DASH;
  if (Math.abs(revenue) < 100_000_00) return money(revenue, currency ?? "CNY");
  return number({ style: "currency", currency: currency ?? "CNY", currencyDisplay: "narrowSymbol", maximumFractionDigits: 0 }).format(revenue / 100);
}

/** @param {number} revenue @param {string} [currency] */
export const compactSum = (revenue, currency) =>
  number({ style: "currency", currency: currency ?? "CNY", currencyDisplay: "narrowSymbol", notation: "compact", maximumFractionDigits: 1 }).format(revenue / 100);

/** 380 → 6 min 20 s. @param {number | null | undefined} seconds */
export function span(seconds) {
  if (seconds === undefined || seconds === null) return DASH;
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return t("span.seconds", { seconds: whole });
  if (whole < 3600) return t("span.minutes", { minutes: Math.floor(whole / 60), seconds: String(whole % 60).padStart(2, "0") });
  if (whole < 86_400) return t("span.hours", { hours: Math.floor(whole / 3600), minutes: String(Math.floor(whole / 60) % 60).padStart(2, "0") });
  return t("span.days", { days: Math.floor(whole / 86_400), hours: Math.floor(whole / 3600) % 24 });
}

/** Lag: small ones with a decimal. @param {number} seconds */
export const lag = (seconds) => (seconds < 10 ? t("span.seconds", { seconds: number({ maximumFractionDigits: 1 }).format(seconds) }) : span(seconds));

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

/** @param {number} value */
export function bytes(value) {
  const step = Math.min(UNITS.length - 1, value < 1000 ? 0 : Math.floor(Math.log10(value) / 3));
  const shown = value / 1000 ** step;
  return number({ style: "unit", unit: UNITS[step], unitDisplay: "short", maximumFractionDigits: shown < 10 && step > 0 ? 1 : 0 }).format(shown);
}

/** Day and time, to the minute or the second. @param {string | number} time */
export function moment(time, seconds = false) {
  const day = new Intl.DateTimeFormat(locale(), { month: "2-digit", day: "2-digit" }).format(new Date(time));
  return `${day} ${clock(time, seconds)}`;
}

/** A time as `<input type="datetime-local">` wants it, in local time; and back. @param {string} time */
export function toInput(time) {
  if (!time) return "";
  const at = new Date(time);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
/** @param {string} text */
export const fromInput = (text) => (text ? new Date(text).toISOString() : "");
