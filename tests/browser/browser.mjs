// What the browser tests share: Chromium, pages whose every error fails the run, and what is asked of each page.

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const SHOTS = fileURLToPath(new URL("../../target/screenshots/", import.meta.url));
/** When something that should happen by itself counts as hung, also on a slow machine that does other work. How quick it is, is for `figures`. */
export const HANG_MS = 30_000;
/** The same for what may wait for the longest pause between two tries to connect. */
export const LINE_MS = 60_000;
const TARGET_PX = 44;
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"];

export const launch = () => chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });

// What a browser says of a line that was down may reach us a moment after the line is there again.
const SAID_LATE_MS = 3_000;
let isDown = false;
let restoredAt = -Infinity;

/** Promises kept, and errors of pages. While `restarting`, and just after it, refused connections are none; `tolerated` are never any. */
export const run = {
  passed: 0,
  tolerated: null,
  errors: [],
  get restarting() {
    return isDown || performance.now() - restoredAt < SAID_LATE_MS;
  },
  set restarting(down) {
    if (isDown && !down) restoredAt = performance.now();
    isDown = down;
  },
};

mkdirSync(SHOTS, { recursive: true });

export async function promise(text, check) {
  const start = Date.now();
  await check();
  run.passed += 1;
  console.log(`ok ${String(run.passed).padStart(2)}  ${text} (${Date.now() - start} ms)`);
}

const LINE_DOWN = /ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_INTERNET_DISCONNECTED|ERR_FAILED|WebSocket connection|503/;

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
  if (!sockets) await page.routeWebSocket("**/v1/push", (socket) => socket.close());
  page.on("console", (message) => {
    const lineDown = run.restarting && LINE_DOWN.test(message.text());
    if (message.type() === "error" && !lineDown && !run.tolerated?.test(message.text())) run.errors.push(`${name}: ${message.text()}`);
  });
  page.on("pageerror", (error) => run.errors.push(`${name}: ${error.stack}`));
  await page.goto(url);
  await page.evaluate(() => (window.neverLoadedAgain = true));
  page.named = name;
  page.shot = (label) => page.screenshot({ path: `${SHOTS}${name}-${label}.png` });
  return page;
}

export const button = (page, name, options = {}) => page.getByRole("button", { name, ...options });
export const visible = (locator) => locator.first().waitFor({ state: "visible" });

export async function smallTargets(page) {
  return page.evaluate((least) => {
    const small = [];
    for (const node of document.querySelectorAll("button, select, summary, .button, a.store, a.brand, label.choice, input:not([type=checkbox], [type=radio]), textarea")) {
      const box = node.getBoundingClientRect();
      if (box.width > 0 && (box.height < least - 0.5 || box.width < least - 0.5)) small.push(`${node.tagName} "${node.textContent.trim().slice(0, 30)}" ${Math.round(box.width)}×${Math.round(box.height)}`);
    }
    return small;
  }, TARGET_PX);
}

export const sidewaysScroll = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SERIOUS = ["serious", "critical"];

/** Findings of axe-core that keep somebody from using the page; it is put beside the page's scripts, as its policy allows a debugger alone. */
export async function findings(page) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations.filter(({ impact }) => SERIOUS.includes(impact)).map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 120)} ${failureSummary.split("\n").pop().trim()}`).join(" | ").slice(0, 400)}`);
}

/** What moves, though the reader asked for reduced motion: animations that run, and smooth scrolling. */
export const motions = (page) => page.evaluate(() => [
  ...document.getAnimations().filter((one) => one.playState === "running").map((one) => `${one.animationName ?? one.transitionProperty} on ${one.effect?.target?.className}`),
  ...[document.documentElement, ...document.querySelectorAll("main *")].filter((node) => getComputedStyle(node).scrollBehavior === "smooth").map((node) => `smooth scrolling of ${node.className}`),
]);

/** What went wrong, with pictures of every page as it was. */
export async function broken(error, browser) {
  console.error(`BROKEN after ${run.passed} promises: ${error.stack}`);
  for (const line of run.errors) console.error(`  ${line}`);
  for (const context of browser?.contexts() ?? []) {
    for (const page of context.pages()) await page.shot?.("broken").catch(() => {});
  }
  process.exitCode = 1;
}
