// The dashboard against a real aggregator and a real node: its figures are the API's, they move without a reload, a cut line
// is said and healed, every address shows the same again; by keyboard, in both languages, light and dark.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { button, findings, keyOn, LINE_MS, open, promise, run as state, sidewaysScroll, smallTargets, until, visible } from "./browser.mjs";
import { Centre } from "./centre.mjs";
import { conclude, stage } from "./kit.mjs";
import { catalogueOf } from "./program.mjs";
import { wrongWords } from "./words.mjs";

const REGION = "east";
const STORE = { id: "sh-001", name: "人民广场店" };
const NOODLES = [{ sku: "noodle-dandan", quantity: 2, options: [{ option: "spice", choice: "mild" }] }];
const DAY_MS = 24 * 3_600_000;
const DESK = { width: 1440, height: 900 };

const live = (page) => page.locator('.age[data-state="live"]').waitFor({ timeout: LINE_MS });
const rows = (page) => page.locator(".orders tbody tr");
const green = (page) => page.locator('.overall[data-level="green"]').waitFor({ timeout: LINE_MS });
const heading = (page, name) => visible(page.getByRole("heading", { level: 1, name }));
const shownFigure = (page, name) => page.getByTestId(`figure-${name}`).locator("data").getAttribute("value");

/** Every figure of the page against the API's own number. */
async function figuresAgree(page, centre) {
  const shown = async () => Object.fromEntries(await Promise.all(["orders", "revenue", "open", "wait", "rejected"].map(async (name) => [name, await shownFigure(page, name)])));
  let wanted;
  let found;
  await until("the page shows what the API says", async () => {
    const { today, open: under } = await centre.get("/v1/summary");
    wanted = { orders: today.placed, revenue: today.revenue, open: under.awaiting_payment + under.paid + under.accepted + under.ready, wait: today.wait_seconds ?? "", rejected: today.rejected };
    wanted = Object.fromEntries(Object.entries(wanted).map(([name, value]) => [name, String(value)]));
    found = await shown();
    return JSON.stringify(found) === JSON.stringify(wanted);
  }).catch((error) => assert.deepEqual(found, wanted, error.message));
  return wanted;
}

/** One of the page's modules, read as data: there is no package.json beside them that says they are modules. */
const source = (name) => import(`data:text/javascript,${encodeURIComponent(readFileSync(new URL(`../../src/web/scripts/${name}`, import.meta.url), "utf8"))}`);

async function run(browser, centre) {
  await promise("every word exists in both languages, and no other", async () => assert.deepEqual(await wrongWords(), []));

  await promise("server-sent events are read whole, however the line cuts them, and never without bound", async () => {
    const { EventParser } = await source("dashboard-stream.js");
    const text = ': hello\r\nretry: 2000\r\n\r\nevent: tick\nid: 7\ndata: {"a":\ndata: "甲"}\n\ndata: x\r\rid: 9\nevent: none\n\n';
    for (let cut = 0; cut <= text.length; cut += 1) {
      const parser = new EventParser();
      const found = [...parser.feed(text.slice(0, cut)), ...parser.feed(text.slice(cut))];
      assert.deepEqual(found, [{ event: "tick", data: '{"a":\n"甲"}' }, { event: "message", data: "x" }], `cut at ${cut}`);
      assert.equal(parser.lastId, "9");
    }
    assert.throws(() => {
      const parser = new EventParser();
      for (let count = 0; count < 100; count += 1) parser.feed(`data: ${"x".repeat(100_000)}\n`);
    }, /no end/);
  });

  await promise("an address says what is shown, and the same again", async () => {
    const { hrefOf, placeOf } = await source("dashboard-url.js");
    for (const hash of ["#/", "#/?metric=wait&window=7d&compare=none&table=1&by=rejected", "#/region/a%2Fb?by=orders&q=%E5%BA%97", "#/region/east/store/sh-001?status=paid&from=2026-11-25T00%3A00%3A00.000Z", "#/orders?status=ready&region=east&store=s", "#/order/261125-A-1-1?window=1d"]) {
      assert.equal(hrefOf(placeOf(hash)), hash);
    }
    assert.equal(hrefOf(placeOf("#/?metric=nonsense&window=2y&from=never&token=secret")), "#/");
    assert.equal(hrefOf(placeOf("#/region/east?by=rejected&q=x&window=1d"), { view: "region", region: "south" }), "#/region/south?window=1d", "another view begins with its own filters at rest");
  });

  const page = await open(browser, `${centre.url}/`, { name: "dashboard", ...DESK });
  await promise("it opens by itself in the sandbox, before any region has come", async () => {
    await live(page);
    await visible(page.getByTestId("overall"));
    await page.shot("before");
  });

  await promise("a region that connects turns it green", async () => {
    await centre.nodes[REGION].up();
    await green(page);
    await visible(page.getByTestId(`region-${REGION}`).getByText("已连接"));
  });

  const made = {};
  await promise("orders of every status are made at the node", async () => {
    for (const status of ["awaiting_payment", "paid", "accepted", "ready", "collected", "rejected"]) {
      made[status] = await centre.order(REGION, STORE.id, NOODLES, status, status === "collected" ? "少油，<b>不要香菜</b>" : undefined);
      assert.equal(made[status].status, status);
    }
  });

  await promise("its figures, funnel and region are the API's, and come without a reload", async () => {
    const wanted = await figuresAgree(page, centre);
    assert.equal(wanted.orders, "6");
    const { today } = await centre.get("/v1/summary");
    for (const step of ["placed", "paid", "accepted", "collected"]) {
      assert.equal(await page.getByTestId(`funnel-${step}`).locator("data").getAttribute("value"), String(today[step]), step);
    }
    const [region] = (await centre.get("/v1/regions")).regions;
    assert.equal(await page.getByTestId(`region-${REGION}`).locator("data").getAttribute("value"), String(region.today.placed));
    await page.shot("figures");
  });

  await promise("an order placed and paid is on it within seconds", async () => {
    const before = Number(await shownFigure(page, "orders"));
    const money = Number(await shownFigure(page, "revenue"));
    const start = Date.now();
    const order = await centre.order(REGION, STORE.id, NOODLES, "paid");
    await until("one order more", async () => Number(await shownFigure(page, "orders")) === before + 1);
    await until("its money too", async () => Number(await shownFigure(page, "revenue")) === money + order.payable);
    console.log(`       order to screen: ${Date.now() - start} ms`);
  });

  await promise("the curves are the API's series, by pointer, by key and as a table", async () => {
    const series = await centre.get("/v1/series?metric=orders&window=1h&compare=day");
    const curve = page.getByRole("slider", { name: /订单/ });
    await visible(curve);
    await curve.focus();
    await page.keyboard.press("Home");
    await until("the first point is read out", async () => /: 0/.test((await curve.getAttribute("aria-valuetext")) ?? ""));
    await page.keyboard.press("End");
    assert.equal(await curve.getAttribute("aria-valuenow"), String(series.points.length - 1));
    await button(page, "表格").click();
    const cells = page.locator("#panel-metric .chart-table tbody tr td:nth-child(2)");
    await visible(cells);
    // The curve itself is fetched every few seconds: wait for the one that holds all orders.
    await until("the table sums up to today's orders", async () => {
      const sum = (await cells.allTextContents()).reduce((all, text) => all + Number(text.replace(/\D/g, "")), 0);
      return sum === (await centre.get("/v1/summary")).today.placed;
    }, LINE_MS);
    await until("the table is not in the address", async () => /table=1/.test(page.url()));
    await button(page, "表格").click();
  });

  await promise("one can drill down to one order, and the way back is the back button", async () => {
    await page.getByTestId(`region-${REGION}`).getByRole("link", { name: REGION }).click();
    await heading(page, REGION);
    await page.shot("region");
    await page.getByTestId(`store-${STORE.id}`).getByRole("link").click();
    await heading(page, STORE.name);
    await visible(page.getByTestId(`order-${made.collected.id}`));
    await until("the store never has all its orders", async () => (await shownFigure(page, "orders")) === "7"); // asked for apart from the list
    await page.shot("store");
    await page.getByTestId(`order-${made.collected.id}`).getByRole("link", { name: made.collected.id }).click();
    await heading(page, made.collected.id);
    await visible(page.getByText("少油，<b>不要香菜</b>")); // text stays text
    const { history } = await centre.get(`/v1/orders/${made.collected.id}`);
    await until("every event of its history is there", async () => (await page.locator("ol.history > li").count()) === history.length);
    await page.shot("order");
    await visible(page.locator("h1:focus")); // a new view begins at its heading
    await page.goBack();
    await heading(page, STORE.name);
    await page.goBack();
    await heading(page, REGION);
    await page.goBack();
    await visible(page.getByTestId(`region-${REGION}`));
  });

  let address;
  await promise("filters stand in the address, and another browser that opens it sees the same", async () => {
    await page.getByRole("link", { name: "全部订单" }).click();
    await page.getByLabel("状态").selectOption("rejected");
    await until("only the rejected order", async () => (await rows(page).count()) === 1);
    await visible(page.getByTestId(`order-${made.rejected.id}`));
    await page.getByLabel("地区").selectOption(REGION);
    await until("the address names both", async () => /status=rejected/.test(page.url()) && /region=east/.test(page.url()));
    address = page.url();
    assert.doesNotMatch(address, /token/);
    const other = await open(browser, address, { name: "dashboard-other", ...DESK, colorScheme: "dark", locale: "en-GB" });
    await visible(other.getByTestId(`order-${made.rejected.id}`));
    assert.equal(await rows(other).count(), 1);
    const chosen = async (label, value) => (await other.getByLabel(label).inputValue()) === value;
    await until("its filters are others", async () => (await chosen("Status", "rejected")) && chosen("Region", REGION));
    await other.shot("filtered");
    const none = `${centre.url}/#/orders?to=${encodeURIComponent("2020-01-01T00:00:00.000Z")}`;
    await other.goto(none);
    await visible(other.getByText("No order matches"));
    await other.goto(`${centre.url}/#/?metric=wait&window=1d&compare=week&by=rejected`);
    for (const name of ["Wait", "24 hours", "Last week", "Rejections"]) {
      await until(`${name} is not pressed`, async () => (await button(other, name).first().getAttribute("aria-pressed")) === "true");
    }
    await visible(other.getByTestId(`rank-${STORE.id}`));
    await other.context().close();
    await page.goto(`${centre.url}/#/`);
  });

  await promise("a keyboard is enough", async () => {
    await keyOn(page.getByTestId(`region-${REGION}`).getByRole("link", { name: REGION }));
    await heading(page, REGION);
    await page.getByRole("searchbox").focus();
    await page.keyboard.type("静安寺");
    await until("the search narrows the stores", async () => (await page.locator(".panel-stores tbody tr").count()) === 1);
    assert.equal(await page.evaluate(() => document.activeElement.type), "search", "the field keeps the focus");
    await keyOn(button(page, "24 小时"));
    await until("the window is in the address", async () => /window=1d/.test(page.url()));
    assert.match(decodeURIComponent(page.url()), /q=静安寺/);
    await page.goto(`${centre.url}/#/`);
  });

  await promise("the language changes in place", async () => {
    await button(page, "English").click();
    await visible(page.getByText("All well"));
    assert.equal(await page.locator("html").getAttribute("lang"), "en");
    let text = `${await page.locator("#top").innerText()} ${await page.locator("main").innerText()}`;
    for (const { name, city } of JSON.parse(readFileSync(catalogueOf(REGION), "utf8")).stores) text = text.replaceAll(name, "").replaceAll(city, ""); // these have one language
    assert.doesNotMatch(text.replace("中文", ""), /[\u4e00-\u9fff]/);
    await page.shot("en");
    await button(page, "中文").click();
  });

  await promise("axe-core finds nothing serious, in either theme", async () => {
    for (const colorScheme of ["dark", "light"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      for (const view of [`#/region/${REGION}`, `#/region/${REGION}/store/${STORE.id}`, "#/orders", `#/order/${made.collected.id}`, "#/"]) {
        await page.goto(`${centre.url}/${view}`);
        await visible(page.locator(".view table, .view .card"));
        assert.deepEqual(await findings(page), [], `${colorScheme} ${view}`);
      }
    }
  });

  await promise("dark is dark", async () => {
    const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await ground();
    await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
    assert.notEqual(await ground(), light);
    await page.shot("dark");
    await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  });

  await promise("the centre is killed: the last figures stay, with their age; it comes back: live again, with what was sold meanwhile", async () => {
    const before = Number(await shownFigure(page, "orders"));
    state.restarting = true;
    await centre.aggregator.kill();
    await page.locator('.age[data-state="lost"]').waitFor();
    await visible(page.getByText("线路中断，正在重连"));
    assert.equal(Number(await shownFigure(page, "orders")), before);
    const seconds = async () => {
      const [, minutes = 0, rest] = (await page.getByTestId("age").textContent()).match(/(?:(\d+) 分 ?)?(\d+) 秒前/) ?? [];
      return Number(minutes) * 60 + Number(rest);
    };
    const first = await seconds();
    await until("the age grows", async () => (await seconds()) > first);
    assert.match(await page.title(), /线路中断/);
    await page.shot("cut");
    const alone = await centre.order(REGION, STORE.id, NOODLES, "paid"); // a region sells on while the centre is away
    assert.equal(alone.status, "paid");
    await centre.aggregator.up();
    await live(page);
    state.restarting = false;
    await until("the order made meanwhile", async () => Number(await shownFigure(page, "orders")) === before + 1, LINE_MS);
    await green(page);
    await figuresAgree(page, centre);
    await page.shot("back");
  });

  await promise("a page that nobody looks at asks for nothing, and goes on when it is looked at", async () => {
    await page.goto(`${centre.url}/#/orders`);
    await visible(rows(page));
    const look = (state) => page.evaluate((now) => {
      Object.defineProperty(document, "visibilityState", { configurable: true, get: () => now });
      document.dispatchEvent(new Event("visibilitychange"));
    }, state);
    let asked = 0;
    page.on("request", (request) => (asked += /\/v1\/(orders|series|regions)/.test(request.url()) ? 1 : 0));
    await look("hidden");
    const dataTime = async () => Date.parse(`1970-01-01T${(await page.getByTestId("age").textContent()).match(/[\d:]{8}/)?.[0]}Z`);
    const began = await dataTime();
    asked = 0;
    await until("six seconds of ticks", async () => ((await dataTime()) - began + DAY_MS) % DAY_MS >= 6_000); // also over midnight
    assert.equal(asked, 0);
    await look("visible");
    await until("it asks again", async () => asked > 0);
    await page.goto(`${centre.url}/#/`);
  });

  await promise("on a phone targets fit a fingertip and nothing scrolls sideways", async () => {
    const phone = await open(browser, `${centre.url}/`, { name: "dashboard-phone", width: 390, height: 844 });
    const narrow = await open(browser, `${centre.url}/`, { name: "dashboard-narrow", width: 320, height: 640, locale: "en-GB", colorScheme: "dark" });
    const views = ["#/", `#/region/${REGION}`, `#/region/${REGION}/store/${STORE.id}`, "#/orders", `#/order/${made.collected.id}`];
    for (const one of [phone, narrow]) {
      for (const [index, view] of views.entries()) {
        await one.goto(`${centre.url}/${view}`);
        await visible(one.locator(".view table, .view .card"));
        await live(one);
        await one.shot(String(index));
        assert.deepEqual(await smallTargets(one), [], `${one.named} ${view}`);
        assert.equal(await sidewaysScroll(one), 0, `${one.named} ${view}`);
      }
      await one.context().close();
    }
  });

  await promise("the page was never loaded again", async () => assert.equal(await page.evaluate(() => window.neverLoadedAgain), true));
  await promise("centre and node had nothing to complain about", async () => {
    assert.deepEqual(centre.aggregator.complaints, []);
    // The node says that its centre was away: it was.
    assert.deepEqual(centre.nodes[REGION].complaints.filter((line) => !line.includes("no line to the centre")), []);
  });
}

async function fenced(browser, centre) {
  await promise("an old copy of a node that is started is fenced, and the page says so while the region sells on", async () => {
    const page = await open(browser, `${centre.url}/#/region/${REGION}`, { name: "dashboard-fenced", ...DESK });
    const copy = await centre.copyOf(REGION);
    const later = await centre.order(REGION, STORE.id, NOODLES, "paid");
    // Only where the centre has more than the copy is the copy the older one.
    await until("the centre never has the later order", () => centre.get(`/v1/orders/${later.id}`).then(() => true, () => false), LINE_MS);
    copy.begin();
    await page.locator('.overall[data-level="red"]').waitFor();
    await visible(page.getByText("另一个节点被拒绝：节点的数据比中心旧"));
    await visible(page.getByText("本地区仍在营业"));
    await page.shot("copy");
    await copy.down();
    await page.context().close();
  });
}

async function production(browser, binary) {
  const centre = await Centre.start(binary, { mode: "production", regions: [REGION] });
  try {
    await promise("in production it asks for a token, refuses another role's, and takes one from the link", async () => {
      state.tolerated = /404/; // there is no sandbox: that answer is no error of the page
      const page = await open(browser, `${centre.url}/`, { name: "dashboard-production", width: 1024, height: 768 });
      await visible(page.getByLabel("访问令牌"));
      await page.getByLabel("访问令牌").fill(centre.token("store", "till-1", STORE.id));
      await button(page, "打开看板").click();
      await visible(page.getByText("令牌无效、已过期，或不是总部令牌。"));
      await page.getByLabel("访问令牌").fill(centre.token("operator", "hq"));
      await button(page, "打开看板").click();
      await live(page);
      const linked = await open(browser, `${centre.url}/#token=${centre.token("operator", "hq")}`, { name: "dashboard-linked", width: 1024, height: 768 });
      await live(linked);
      assert.doesNotMatch(linked.url(), /token/);
      await page.context().close();
      await linked.context().close();
    });
  } finally {
    await centre.end();
  }
}

await stage(() => Centre.start(process.env.QUCAN_BINARY, { regions: [REGION] }), async ({ browser }, centre) => {
  await run(browser, centre);
  await fenced(browser, centre);
  await production(browser, process.env.QUCAN_BINARY);
  await conclude();
});
