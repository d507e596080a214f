// What the browser tests share: Chromium, pages whose every error fails the run, what is asked of each page, and what is told of all
// of them when a promise is broken.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { chromium } from "playwright-core";
import { programs } from "./program.mjs";

const SHOTS = fileURLToPath(new URL("../../target/screenshots/", import.meta.url));
/** When something that should happen by itself counts as hung, also on a slow machine that does other work. How quick it is, is for `figures`. */
export const HANG_MS = 30_000;
/** The same for what may wait for the longest pause between two tries to connect. */
export const LINE_MS = 60_000;
/** Within it a page that was changed has come to rest: letters fitted, charts redrawn. */
const REST_MS = 10_000;
const TARGET_PX = 44;
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"];

// A signal to end is ours to handle: first it is told how the pages are.
const OURS = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false };
export const launch = () => chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS, ...OURS });

/** What was asked for while the line was down may fail a moment after it is there again. */
const FAILED_LATE_MS = 3_000;
const LINE_DOWN = /ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_INTERNET_DISCONNECTED|ERR_FAILED|WebSocket connection|503/;

/** Spells in which a page may complain in some words; by the browser's clock, as what it says may reach us much later. */
class Pardon {
  #spells = [];

  begin(words) {
    this.end();
    this.#spells.push({ words, from: Date.now(), to: Infinity });
  }

  end() {
    const last = this.#spells.at(-1);
    if (last?.to === Infinity) last.to = Date.now() + FAILED_LATE_MS;
  }

  covers(text, at) {
    return this.#spells.some(({ words, from, to }) => at >= from && at < to && words.test(text));
  }
}

const lineDown = new Pardon();
const tolerated = new Pardon();

/**
 * Promises kept, the one under test, and errors of pages. While `restarting` refused connections are none, nor are words that are
 * `tolerated`.
 */
export const run = {
  passed: 0,
  promise: null,
  errors: [],
  set restarting(down) {
    if (down) lineDown.begin(LINE_DOWN);
    else lineDown.end();
  },
  set tolerated(words) {
    if (words) tolerated.begin(words);
    else tolerated.end();
  },
};

mkdirSync(SHOTS, { recursive: true });

export async function promise(text, check) {
  const start = Date.now();
  run.promise = { text, start };
  await check();
  run.promise = null;
  run.passed += 1;
  console.log(`ok ${String(run.passed).padStart(2)}  ${text} (${Date.now() - start} ms)`);
}

/** Waits until `check` gives true, asking again a few times a second; says `what` was never so. */
export async function until(what, check, ms = HANG_MS) {
  const end = Date.now() + ms;
  while (!(await check())) {
    assert.ok(Date.now() < end, `${what} (awaited for ${ms} ms)`);
    await pause(50);
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A page of its own, watched: every error in it fails the run, but for refused connections while something restarts. */
export async function open(browser, url, { name, width = 1280, height = 800, locale = "zh-CN", colorScheme = "light", sockets = true, scripts = [], ...more }) {
  const context = await browser.newContext({ viewport: { width, height }, locale, colorScheme, reducedMotion: "reduce", ...more });
  context.setDefaultTimeout(HANG_MS);
  for (const script of scripts) await context.addInitScript(script);
  return openIn(context, url, { name, sockets });
}

/** One more page in a browser context, such as a second tab. */
export async function openIn(context, url, { name, sockets = true }) {
  const page = await context.newPage();
  watch(page, name);
  if (!sockets) await page.routeWebSocket("**/v1/push", (socket) => socket.close());
  await page.goto(url);
  await page.evaluate(() => (window.neverLoadedAgain = true));
  return page;
}

const SAID_KEPT = 20;

/** Takes down what goes wrong in a page, and what it says, for when a promise is broken. */
function watch(page, name) {
  page.named = name;
  page.said = [];
  const says = (text, at = Date.now()) => {
    page.said.push(`${new Date(at).toISOString().slice(11, 23)} ${text.slice(0, 300)}`);
    if (page.said.length > SAID_KEPT) page.said.shift();
  };
  page.on("console", (message) => {
    const [text, at] = [message.text(), message.timestamp()];
    if (!text.startsWith("Failed to load resource: net::")) says(`${message.type()}: ${text}`, at); // the request itself tells more
    if (message.type() === "error" && !lineDown.covers(text, at) && !tolerated.covers(text, at)) run.errors.push(`${name}: ${text}`);
  });
  page.on("pageerror", (error) => {
    says(`exception: ${error.message}`);
    run.errors.push(`${name}: ${error.stack}`);
  });
  page.on("crash", () => run.errors.push(`${name}: its process crashed`));
  page.on("requestfailed", (request) => says(`${request.method()} ${request.url()}: ${request.failure()?.errorText}`));
  page.shot = (label) => page.screenshot({ path: pictureOf(page, label), timeout: HANG_MS });
  /** Cuts the line of the page, and of the tabs beside it, or restores it. */
  page.offline = async (cut) => {
    if (cut) run.restarting = true;
    await page.context().setOffline(cut);
    if (!cut) run.restarting = false;
  };
}

const pictureOf = (page, label) => `${SHOTS}${page.named}-${label}.png`;

export const button = (page, name, options = {}) => page.getByRole("button", { name, ...options });
/** One of these is to be seen. */
export const visible = (locator) => locator.filter({ visible: true }).first().waitFor();

/** Presses a key on something that could be clicked too, once it has the focus: one that can't be used yet takes none. */
export async function keyOn(locator, key = "Enter") {
  await locator.click({ trial: true });
  await locator.focus();
  await until("it never has the focus", () => locator.evaluate((node) => node === document.activeElement));
  await locator.page().keyboard.press(key);
}

/** Waits until a page's worker has kept all that the page needs to open without a line. */
export const kept = (page) => until(`${page.named} is never kept`, () => page.evaluate(async () => {
  await navigator.serviceWorker.ready;
  const parts = [...document.querySelectorAll("script[src], link[href]")].map((node) => node.getAttribute("src") ?? node.getAttribute("href"));
  const found = await Promise.all([location.pathname, ...parts].map((path) => caches.match(path)));
  return found.every(Boolean);
}));

/** What a look finds wrong once the page has come to rest: what follows a change is not there at once. */
async function atRest(look) {
  const end = Date.now() + REST_MS;
  for (;;) {
    const found = await look();
    if (found.length === 0 || Date.now() > end) return found;
    await pause(100);
  }
}

export const smallTargets = (page) => atRest(() => page.evaluate((least) => {
  const small = [];
  for (const node of document.querySelectorAll("button, select, summary, .button, a.store, a.brand, label.choice, input:not([type=checkbox], [type=radio]), textarea")) {
    const box = node.getBoundingClientRect();
    if (box.width > 0 && (box.height < least - 0.5 || box.width < least - 0.5)) small.push(`${node.tagName} "${node.textContent.trim().slice(0, 30)}" ${Math.round(box.width)}×${Math.round(box.height)}`);
  }
  return small;
}, TARGET_PX));

/** By how many pixels a page scrolls sideways. */
export async function sidewaysScroll(page) {
  const [wide = 0] = await atRest(() => page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth > clientWidth ? [scrollWidth - clientWidth] : [];
  }));
  return wide;
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SERIOUS = ["serious", "critical"];

/** Findings of axe-core that keep somebody from using the page; it is put beside the page's scripts, as its policy allows a debugger alone. */
export async function findings(page) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
  return atRest(async () => {
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    return violations.filter(({ impact }) => SERIOUS.includes(impact)).map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 120)} ${failureSummary.split("\n").pop().trim()}`).join(" | ").slice(0, 400)}`);
  });
}

/** What moves, though the reader asked for reduced motion: animations that run, and smooth scrolling. */
export const motions = (page) => page.evaluate(() => [
  ...document.getAnimations().filter((one) => one.playState === "running").map((one) => `${one.animationName ?? one.transitionProperty} on ${one.effect?.target?.className}`),
  ...[document.documentElement, ...document.querySelectorAll("main *")].filter((node) => getComputedStyle(node).scrollBehavior === "smooth").map((node) => `smooth scrolling of ${node.className}`),
]);

const LOOK_MS = 10_000;
const TEXT_MAX = 1_200;
const LOG_LINES = 25;

/** How a page is: a picture, what can be read on it, and what its console and its line said last. */
async function describe(page) {
  const path = pictureOf(page, "broken");
  const picture = await page.screenshot({ path, timeout: LOOK_MS }).then(() => path, () => "none to be had");
  const text = await page.locator("body").innerText({ timeout: LOOK_MS }).catch(() => "not to be read");
  console.error(`\n--- page ${page.named ?? "(a tab that it opened)"} at ${page.url()}\n    picture: ${picture}`);
  console.error(`    text: ${text.replace(/\s*\n\s*/g, " / ").slice(0, TEXT_MAX)}`);
  for (const line of page.said ?? []) console.error(`    ${line}`);
}

/** Tells what went wrong so that it can be understood without being seen again: the promise, the pages, the programs. */
export async function broken(error, browser) {
  process.exitCode = 1;
  const { text, start } = run.promise ?? { text: "between two promises", start: Date.now() };
  console.error(`\nBROKEN, ${run.passed} kept before: ${text} (after ${Date.now() - start} ms, at ${new Date().toISOString()})`);
  console.error(stripVTControlCharacters(error.stack));
  for (const line of run.errors) console.error(`  error of a page: ${line}`);
  for (const context of browser?.contexts() ?? []) for (const page of context.pages()) await describe(page);
  for (const { name, log } of programs) {
    console.error(`\n--- the end of the log of ${name}:\n${log.trimEnd().split("\n").slice(-LOG_LINES).join("\n")}`);
  }
}
