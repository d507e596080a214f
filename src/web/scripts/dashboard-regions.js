// Regions: all of them in one table, the worst first, and one region on its own with its line to the centre and its stores.

import { el } from "./dom.js";
import { t } from "./language.js";
import { app, regionOf, summary } from "./dashboard-app.js";
import { bytes, count, lag, moment } from "./dashboard-format.js";
import { badness, cell, crumbs, head, levelOf, levelTag, panel, table, whyOf } from "./dashboard-parts.js";
import { curves, figures, funnel, wantedCharts } from "./dashboard-figures.js";
import { storesPanel, storesPath } from "./dashboard-stores.js";

const STORES_EVERY_MS = 5_000;

const sorted = () => [...app.regions].sort((a, b) => badness(levelOf(a)) - badness(levelOf(b)) || a.region.localeCompare(b.region));

/** Connected or not, by word. @param {Hq.Region} region */
const connection = (region) => el("span", { class: `wire ${region.connected ? "on" : "off"}` }, t(region.connected ? "region.connected" : "region.disconnected"));

/** @param {Hq.Region} region */
function row(region) {
  const level = levelOf(region);
  const why = level === "green" ? "" : whyOf(region);
  return el("tr", { role: "row", "data-key": region.region, "data-testid": `region-${region.region}`, class: level },
    el("th", { role: "rowheader", scope: "row" },
      el("a", { class: "row-link", href: app.link({ view: "region", region: region.region }) }, region.region)),
    cell(t("region.health"), [levelTag(level), why ? el("span", { class: "why" }, why) : null], "wide"),
    cell(t("region.line"), connection(region)),
    cell(t("region.lag-entries"), count(region.lag.entries), "number"),
    cell(t("region.lag-bytes"), bytes(region.lag.bytes), "number"),
    cell(t("region.lag-seconds"), lag(region.lag.seconds), "number"),
    cell(t("region.epoch"), count(region.epoch), "number"),
    cell(t("region.open"), count(region.open_orders), "number"),
    cell(t("region.orders"), el("data", { value: region.today.placed }, count(region.today.placed)), "number strong"));
}

/** Every region with health, line, lag and what it sells. */
export function regionsPanel() {
  const rows = sorted().map(row);
  return panel("regions", t("regions.title"), el("a", { class: "row-link", href: app.link({ view: "orders" }) }, t("orders.all")),
    rows.length === 0
      ? el("p", { class: "nothing" }, t("regions.none"))
      : table(t("regions.title"), [
        head(t("region.name")), head(t("region.health")), head(t("region.line")), head(t("region.lag-entries"), "number"), head(t("region.lag-bytes"), "number"),
        head(t("region.lag-seconds"), "number"), head(t("region.epoch"), "number"), head(t("region.open"), "number"), head(t("region.orders"), "number"),
      ], rows));
}

export const wantedRegion = () => [...wantedCharts(), { path: storesPath(app.place.region), every: STORES_EVERY_MS }];

/** @param {string} label @param {Child[]} content */
const fact = (label, ...content) => el("div", {}, el("dt", {}, label), el("dd", { class: "numbers" }, content));

/** What the centre knows about a region's line, and why it is not green. @param {Hq.Region} region */
function linePanel(region) {
  const level = levelOf(region);
  return panel("line", t("line.title"), levelTag(level),
    region.fenced ? el("div", { class: "banner bad" },
      el("strong", {}, whyOf(region)),
      region.fenced.detail ? el("span", { lang: "en" }, region.fenced.detail) : null,
      region.fenced.at ? el("span", { class: "small numbers" }, t("line.since", { time: moment(region.fenced.at, true) })) : null,
      el("span", { class: "small" }, t(region.connected ? "line.other-help" : "line.fenced-help"))) : null,
    (region.gaps ?? []).map((gap) => el("p", { class: "banner warn", "data-testid": "gap" },
      t("line.gap", { count: count(gap.last_sequence - gap.first_sequence + 1), from: moment(gap.from, true), to: moment(gap.to, true) }),
      " ", el("span", { class: "small" }, t("line.gap-help")))),
    !region.fenced && level !== "green" && whyOf(region) ? el("p", { class: `banner ${level === "red" ? "bad" : "warn"}` }, whyOf(region)) : null,
    el("dl", { class: "facts" },
      fact(t("region.line"), connection(region)),
      fact(t("line.heard"), region.last_heard_at ? moment(region.last_heard_at, true) : "–"),
      fact(t("region.epoch"), count(region.epoch)),
      fact(t("line.last"), count(region.last_sequence)),
      fact(t("line.applied"), count(region.applied_sequence)),
      fact(t("region.lag-entries"), count(region.lag.entries)),
      fact(t("region.lag-bytes"), bytes(region.lag.bytes)),
      fact(t("region.lag-seconds"), lag(region.lag.seconds))),
    region.reason && !region.fenced ? el("p", { class: "muted small" }, t("line.reason"), " ", el("span", { lang: "en" }, region.reason)) : null);
}

export function regionView() {
  const name = app.place.region;
  const region = regionOf(name);
  const way = crumbs([], name, el("a", { class: "push-right row-link", href: app.link({ view: "orders", region: name, store: "" }) }, t("orders.of", { name })));
  if (!region) return [way, el("p", { class: "empty", "data-key": "none" }, t("region.unknown", { name }))];
  return [
    way,
    figures({ today: region.today, currency: region.currency ?? summary().currency, open: region.open_orders, openNote: t("figure.stores", { count: count(region.stores) }) }),
    curves(),
    el("div", { class: "two", "data-key": "two" }, linePanel(region), funnel(region.today)),
    storesPanel(app.feed.of(storesPath(name)), name),
  ];
}
