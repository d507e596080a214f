// The dashboard when things go wrong: lines that are cut on every view, a page that is opened without one, clocks that lie, two tabs,
// hostile names; and on every size from a small phone to a wall.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { findings, kept, LINE_MS, motions, open, openIn, promise, run as state, sidewaysScroll, smallTargets, until, visible } from "./browser.mjs";
import { Centre } from "./centre.mjs";
import { HOSTILE, spoil, staysText } from "./hostile.mjs";
import { conclude, stage } from "./kit.mjs";

const REGION = "east";
const STORE = "sh-001";
const MEAL = [{ sku: "noodle-dandan", quantity: 2, options: [{ option: "spice", choice: "mild" }] }];
const DAY_MS = 24 * 3_600_000;
const DESK = { width: 1440, height: 900 };
const SIZES = [[320, 640], [390, 844], [820, 1180], [1440, 900], [3840, 2160]];

const age = (page, wanted) => page.locator(`.age[data-state="${wanted}"]`).waitFor({ timeout: LINE_MS });
const orders = (page) => page.getByTestId("figure-orders").locator("data").getAttribute("value");
const viewsOf = (order) => ["#/", `#/region/${REGION}`, `#/region/${REGION}/store/${STORE}`, "#/orders", `#/order/${order}`];
const shown = (page) => visible(page.locator(".view table, .view .card"));

/** Goes to a view of the page that is there already, until what is shown is no longer the view before. */
async function go(page, centre, view) {
  const [first, , third] = view.slice("#/".length).split("/");
  const name = third ?? (first || "overview");
  await page.goto(`${centre.url}/${view}`);
  await visible(page.locator(`.view.${name}`).locator("table, .card"));
}

async function lines(browser, centre, order) {
  const page = await open(browser, `${centre.url}/`, { name: "dashboard-lines", ...DESK });
  await age(page, "live");
  await until("the order is on it", async () => (await orders(page)) === "1");

  await promise("on every view a line that is cut is said with the age of what is shown, which stays; it comes back by itself", async () => {
    for (const view of viewsOf(order)) {
      await go(page, centre, view);
      const before = await page.locator(".view h1").textContent();
      await page.offline(true);
      await age(page, "lost");
      await visible(page.getByTestId("age").getByText(/数据停在 .*前/));
      await visible(page.getByTestId("age").getByText(/数据时间 \d\d:\d\d:\d\d · 线路中断，正在重连/));
      assert.match(await page.title(), /线路中断/);
      assert.equal(await page.locator(".view h1").textContent(), before, view);
      await page.offline(false);
      await age(page, "live");
      assert.doesNotMatch(await page.title(), /线路中断/);
    }
  });

  await promise("it opens without a line too, with the figures of before and their time; what was not kept says so", async () => {
    await go(page, centre, "#/");
    await kept(page);
    const placed = () => page.evaluate(() => JSON.parse(sessionStorage.getItem("qucan.figures") ?? "null")?.picture.summary.today.placed);
    await until("its figures are never kept", async () => (await placed()) === 1); // they are kept every 10 s
    await page.offline(true);
    await page.reload();
    await age(page, "lost");
    await until("the kept figure is not there", async () => (await orders(page)) === "1");
    await visible(page.getByTestId("age").getByText(/数据时间 \d\d:\d\d:\d\d/));
    await visible(page.getByTestId(`region-${REGION}`));
    await page.evaluate(() => (location.hash = "#/orders"));
    await visible(page.getByText("线路中断，此处没有保留的数据"));
    await centre.order(REGION, STORE, MEAL, "paid"); // a region sells on
    await page.offline(false);
    await page.evaluate(() => (location.hash = "#/"));
    await age(page, "live");
    await until("what was sold meanwhile is there", async () => (await orders(page)) === "2");
  });

  await promise("a new tab without a line shows no figures to whoever has no token, and begins when the line is there", async () => {
    const tab = await openIn(page.context(), "about:blank", { name: "dashboard-stranger" });
    await tab.offline(true);
    await tab.goto(`${centre.url}/#/`);
    await visible(tab.getByText("连不上中心"));
    assert.equal(await tab.getByTestId("figure-orders").count(), 0);
    await tab.offline(false);
    await age(tab, "live");
    await age(page, "live");
    await tab.close();
  });

  await promise("two tabs show the same, and each goes its own way back", async () => {
    const tab = await openIn(page.context(), `${centre.url}/#/`, { name: "dashboard-tab" });
    await age(tab, "live");
    await centre.order(REGION, STORE, MEAL, "paid");
    for (const one of [page, tab]) await until("both have the new order", async () => (await orders(one)) === "3");
    await tab.getByTestId(`region-${REGION}`).getByRole("link", { name: REGION }).click();
    await visible(tab.getByRole("heading", { level: 1, name: REGION }));
    assert.equal(await page.getByTestId("funnel-placed").count(), 1, "the other tab stays where it was");
    await tab.goBack();
    await visible(tab.getByTestId(`region-${REGION}`));
    await tab.close();
  });
  await page.context().close();

  await promise("a clock that is wrong by a day changes no figure, no age and no curve", async () => {
    const series = await centre.get("/v1/series?metric=orders&window=1h");
    for (const ms of [DAY_MS, -DAY_MS]) {
      const wrong = { content: `{ const Real = Date; window.Date = class extends Real { constructor(...parts) { parts.length ? super(...parts) : super(Real.now() + ${ms}); } static now() { return Real.now() + ${ms}; } }; }` };
      const other = await open(browser, `${centre.url}/`, { name: `dashboard-clock${ms}`, ...DESK, scripts: [wrong] });
      await age(other, "live");
      await until("it shows other figures", async () => (await orders(other)) === "3");
      const curve = other.getByRole("slider", { name: /订单/ });
      await visible(curve);
      await curve.focus();
      await other.keyboard.press("End");
      assert.equal(await curve.getAttribute("aria-valuenow"), String(series.points.length - 1));
      await other.goto(`${centre.url}/#/orders`);
      const [, asOf] = (await other.getByText(/截至 \d\d:\d\d:\d\d/).textContent()).match(/(\d\d:\d\d):/);
      const near = [-1, 0, 1].map((minute) => new Date(Date.now() + minute * 60_000).toTimeString().slice(0, 5));
      assert.ok(near.includes(asOf), `${asOf} is not the centre's time, ${near[1]}`);
      await other.context().close();
    }
  });
}

async function looks(browser, centre, order) {
  for (const [index, view] of viewsOf(order).entries()) {
    await promise(`view ${index + 1} of ${viewsOf(order).length}: nothing serious in either theme and language; from 320 px to a wall no small target, nothing sideways, no motion`, async () => {
      const found = [];
      for (const [colorScheme, locale] of [["light", "zh-CN"], ["dark", "en-GB"]]) {
        const page = await open(browser, `${centre.url}/${view}`, { name: "dashboard-looks", ...DESK, colorScheme, locale });
        await shown(page);
        await age(page, "live");
        for (const finding of await findings(page)) found.push(`${colorScheme}: ${finding}`);
        for (const moving of await motions(page)) found.push(`${colorScheme}: ${moving}`);
        for (const [width, height] of SIZES) {
          await page.setViewportSize({ width, height });
          const sideways = await sidewaysScroll(page);
          if (sideways > 0) found.push(`${width} px, ${colorScheme}: scrolls sideways by ${sideways} px`);
        }
        await page.context().close();
      }
      const tablet = await open(browser, `${centre.url}/${view}`, { name: "dashboard-tablet", width: 1180, height: 820, hasTouch: true, isMobile: true });
      for (const [width, height] of SIZES) {
        await tablet.setViewportSize({ width, height });
        await shown(tablet);
        for (const small of await smallTargets(tablet)) found.push(`${width} px, by finger: small target ${small}`);
      }
      await tablet.context().close();
      assert.deepEqual(found, []);
    });
  }
}

/** Every code by which the centre says why a region is not green has words in both languages, and no other. */
async function causes(centre) {
  await promise("every reason for which a region is not green has words", async () => {
    const document = await (await fetch(`${centre.url}/openapi.json`)).json();
    const codes = document.components.schemas.Cause.oneOf.flatMap((one) => [one, ...(one.allOf ?? [])]).flatMap((one) => one.properties?.code?.enum ?? []).map((code) => code.replaceAll("_", "-")).sort();
    assert.ok(codes.length >= 10, `only ${codes}`);
    const text = readFileSync(new URL("../../src/web/scripts/dashboard-words.js", import.meta.url), "utf8");
    const { words } = await import(`data:text/javascript,${encodeURIComponent(text)}`);
    for (const language of ["zh", "en"]) {
      const worded = Object.keys(words[language]).filter((key) => key.startsWith("cause.")).map((key) => key.slice("cause.".length));
      assert.deepEqual(worded.sort(), codes, language);
    }
  });
}

async function reasons(browser, centre) {
  await promise("a region whose node is away is said to be so, in the reader's language, from the centre's code", async () => {
    const pages = await Promise.all(["zh-CN", "en-GB"].map((locale) => open(browser, `${centre.url}/`, { name: `dashboard-${locale}`, ...DESK, locale })));
    await centre.nodes[REGION].down();
    await visible(pages[0].getByTestId(`region-${REGION}`).getByText(/已断开 (\d+ 分 )?\d+ 秒/));
    await visible(pages[1].getByTestId(`region-${REGION}`).getByText(/not connected for (\d+ min )?\d+ s/));
    assert.equal((await centre.get("/v1/regions")).regions[0].cause.code, "line_down");
    await centre.nodes[REGION].up();
    for (const page of pages) {
      await page.locator('.overall[data-level="green"]').waitFor({ timeout: LINE_MS });
      await page.context().close();
    }
  });
}

async function hostile(browser) {
  const centre = await Centre.start(process.env.QUCAN_BINARY, { regions: [REGION], change: spoil });
  try {
    await promise("whatever a catalogue, a note or a reason says stays text, on every view", async () => {
      await centre.nodes[REGION].up();
      let order;
      for (const note of HOSTILE) order = await centre.order(REGION, STORE, MEAL, "accepted", note);
      const rejected = await centre.order(REGION, STORE, MEAL, "rejected");
      const till = centre.token("store", "till-1", STORE);
      await centre.call(REGION, "PUT", `/v1/stores/${STORE}/stock/rice-curry`, till, { available: 0 });
      await centre.call(REGION, "PUT", `/v1/stores/${STORE}/accepting`, till, { accepting: false, reason: HOSTILE[0] });
      for (const view of [...viewsOf(order.id), `#/order/${rejected.id}`, `#/region/${encodeURIComponent(HOSTILE[0])}`, `#/orders?store=${encodeURIComponent(HOSTILE[2])}`]) {
        const page = await open(browser, `${centre.url}/${view}`, { name: "dashboard-hostile", width: 390, height: 844, locale: "en-GB" });
        await age(page, "live");
        await visible(page.locator(".view h1"));
        await until(`${view} never ends loading`, async () => {
          await page.evaluate(() => scrollTo(0, document.body.scrollHeight)); // what is not seen is not asked for
          return (await page.getByText("Loading").count()) === 0;
        });
        for (const [width, height] of SIZES) {
          await page.setViewportSize({ width, height });
          await staysText(page, `${view} at ${width} px`);
        }
        await page.context().close();
      }
    });
  } finally {
    await centre.end();
  }
}

await stage(() => Centre.start(process.env.QUCAN_BINARY, { regions: [REGION] }), async ({ browser }, centre) => {
  await causes(centre);
  await centre.nodes[REGION].up();
  const { id } = await centre.order(REGION, STORE, MEAL, "accepted", "少油");
  await lines(browser, centre, id);
  await looks(browser, centre, id);
  await reasons(browser, centre);
  state.tolerated = /40[04]/; // a region and a store that there are not
  await hostile(browser);
  await conclude();
});
