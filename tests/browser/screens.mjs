// Screenshots of every page, as people see them: phone, tablet, desktop and wall, light and dark, Chinese and English; into
// target/screens, to be looked at. See `screens`, which calls this.

import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Centre } from "./centre.mjs";
import { Api, asGuest, MEALS, stage, STORE } from "./kit.mjs";
import { Node } from "./node.mjs";

const OUT = fileURLToPath(new URL("../../target/screens/", import.meta.url));
const SIZES = { narrow: [320, 640], phone: [390, 844], tablet: [820, 1180], desktop: [1440, 900], wall: [3840, 2160] };
const only = process.argv[3] ?? "";

mkdirSync(OUT, { recursive: true });
let made = 0;

async function cutLine(page) {
  await page.offline(true);
  await page.locator('[data-state="lost"]').first().waitFor();
}

/** The pages of a node, of a store in the middle of its day. */
async function nodeViews(kit, node) {
  const api = await new Api(node.url).begin();
  const statuses = ["collected", "ready", "ready", "ready", "accepted", "accepted", "accepted", "accepted", "paid", "paid", "paid"];
  const orders = [];
  for (const [index, status] of statuses.entries()) orders.push(await api.order(status, MEALS[index % MEALS.length], index % 3 === 1 ? { note: "少油，不要香菜 / no coriander, please" } : {}));
  const unpaid = await api.order("awaiting_payment", MEALS[3]);
  const rejected = await api.order("paid", MEALS[2]);
  await api.step(rejected.id, "reject", { reason: "餐品已售罄" });
  const cart = JSON.stringify({ lines: [{ id: "1", sku: "set-1", quantity: 1, options: [{ option: "drink", choice: "plum" }, { option: "spice", choice: "mild" }] }, { id: "2", sku: "snack-crab", quantity: 5, options: [{ option: "dip", choice: "vinegar" }] }], note: "", coupon: null });
  const guest = [asGuest(api.guest), { content: `sessionStorage.setItem("qucan.cart.${STORE.id}", ${JSON.stringify(cart)})` }];
  const views = [
    ["customer-stores", "/", ".store", ["narrow", "phone", "desktop"], guest],
    ["customer-menu", `/#/store/${STORE.id}`, ".offer button", ["narrow", "phone", "tablet", "desktop"], guest],
    ["customer-cart", `/#/store/${STORE.id}/cart`, ".cart-line", ["narrow", "phone"], guest],
    ["customer-unpaid", `/#/order/${unpaid.id}`, ".pay", ["phone"], guest],
    ["customer-paid", `/#/order/${orders[8].id}`, ".steps", ["phone"], guest],
    ["customer-making", `/#/order/${orders[5].id}`, ".code-card", ["narrow", "phone"], guest],
    ["customer-ready", `/#/order/${orders[1].id}`, ".code-card.ready", ["narrow", "phone", "desktop"], guest],
    ["customer-rejected", `/#/order/${rejected.id}`, ".banner", ["phone"], guest],
    ["customer-orders", "/#/orders", ".order-card", ["phone"], guest],
    ["pos", `/pos?store=${STORE.id}`, ".ticket", ["phone", "tablet", "desktop", "wall"], []],
    ["pos-today", `/pos?store=${STORE.id}`, ".ticket", ["phone", "desktop"], [], (page) => page.locator(".desk-bar button").nth(1).click().then(() => page.locator(".day-order").first().waitFor())],
    ["pos-stock", `/pos?store=${STORE.id}`, ".ticket", ["phone", "desktop"], [], (page) => page.locator(".desk-bar button").nth(2).click().then(() => page.locator("tbody tr").first().waitFor())],
    ["kitchen", `/kitchen?store=${STORE.id}`, ".ticket", ["phone", "tablet", "desktop", "wall"], []],
    ["screen", `/screen?store=${STORE.id}`, ".codes li", ["phone", "desktop", "wall"], []],
    ["sign-in", "/pos", ".session", ["phone", "desktop"], []],
    ["customer-options", `/#/store/${STORE.id}`, ".offer button", ["narrow", "phone"], guest, async (page) => { await page.locator(".item-add").nth(8).click(); await page.locator("dialog fieldset").first().waitFor(); }],
    ["customer-no-orders", "/#/orders", ".empty", ["phone"], []],
    ["customer-unknown", "/#/order/none-such", ".problem", ["phone"], guest],
    ["customer-line-cut", `/#/order/${orders[5].id}`, ".code-card", ["phone"], guest, cutLine],
    ["pos-empty", "/pos?store=sh-002", ".column .empty", ["phone", "desktop"], []],
    ["pos-line-cut", `/pos?store=${STORE.id}`, ".ticket", ["phone", "desktop"], [], cutLine],
    ["pos-reject", `/pos?store=${STORE.id}`, ".ticket", ["phone"], [], async (page) => { await page.keyboard.press("x"); await page.locator("dialog").waitFor(); }],
    ["kitchen-empty", "/kitchen?store=sh-002", ".empty", ["desktop"], []],
    ["kitchen-bumped", `/kitchen?store=${STORE.id}`, ".ticket", ["phone", "desktop"], [], (page) => page.keyboard.press("1").then(() => page.locator(".bump").waitFor())],
    ["screen-empty", "/screen?store=sh-002", ".none-yet", ["desktop"], []],
  ];
  await shoot(kit, node.url, views);
}

/** The dashboard, with a region that sells and one that never came. */
async function centreViews(kit) {
  if (only && !only.startsWith("dashboard")) return;
  const centre = await Centre.start(process.argv[2], { regions: ["east", "south"] });
  try {
    await shoot(kit, centre.url, [["dashboard-empty", "/", ".view", ["phone", "desktop"], []]]);
    await centre.nodes.east.up();
    const orders = [];
    for (const [index, status] of ["collected", "ready", "accepted", "paid", "awaiting_payment", "rejected", "collected"].entries()) orders.push(await centre.order("east", STORE.id, MEALS[index], status, index === 0 ? "少油，不要香菜 / no coriander, please" : undefined));
    const till = centre.token("store", "till-1", STORE.id);
    await centre.call("east", "PUT", `/v1/stores/${STORE.id}/stock/rice-curry`, till, { available: 0 });
    const all = ["narrow", "phone", "tablet", "desktop", "wall"];
    await shoot(kit, centre.url, [
      ["dashboard", "/", ".chart-lines", all, []],
      ["dashboard-region", "/#/region/east", ".panel-stores tbody tr", ["phone", "tablet", "desktop"], []],
      ["dashboard-store", `/#/region/east/store/${STORE.id}`, ".orders tbody tr", ["phone", "desktop"], []],
      ["dashboard-orders", "/#/orders", ".orders tbody tr", ["phone", "tablet", "desktop"], []],
      ["dashboard-order", `/#/order/${orders[0].id}`, ".history", ["phone", "desktop"], []],
      ["dashboard-cut", "/", ".chart-lines", ["phone", "desktop"], [], cutLine],
    ]);
  } finally {
    await centre.end();
  }
}

/** Makes pictures of these views, in every size that is wanted, both schemes and both languages. */
async function shoot(kit, url, views) {
  for (const [name, path, ready, sizes, scripts, then] of views) {
    for (const size of sizes) {
      for (const colorScheme of ["light", "dark"]) {
        for (const locale of ["zh-CN", "en-GB"]) {
          const file = `${name}-${size}-${colorScheme}-${locale.slice(0, 2)}`;
          if (!file.includes(only)) continue;
          const [width, height] = SIZES[size];
          const page = await kit.open(url + path, { name: file, width, height, colorScheme, locale, scripts });
          await page.locator(ready).first().waitFor();
          await then?.(page);
          await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
          await page.screenshot({ path: `${OUT}${file}.png` });
          await page.context().close();
          kit.lineDown = false;
          made += 1;
        }
      }
    }
  }
}

await stage(() => Node.start(process.argv[2]), async (kit, node) => {
  kit.tolerated = /404/; // of the order that there is not
  await nodeViews(kit, node);
  await centreViews(kit);
  if (made === 0) throw new Error(`no screenshot has "${only}" in its name`);
  console.log(`${made} screenshots in target/screens`);
});
