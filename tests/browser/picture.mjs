// Puts the screenshots of the last run together into docs/images/pages.png, the picture of the README.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const at = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const shots = ["customer-menu-en", "customer-ready-en", "pos-new-en"];
const heights = [560, 560, 560];
const pictures = shots.map((name, index) =>
  `<img style="height:${heights[index]}px;border-radius:12px;box-shadow:0 2px 12px #0003" src="data:image/png;base64,${readFileSync(at(`target/screenshots/${name}.png`)).toString("base64")}">`);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage({ viewport: { width: 1500, height: 600 } });
await page.setContent(`<body style="margin:0;padding:20px;display:inline-flex;gap:20px;background:#e9e2d6">${pictures.join("")}</body>`);
await page.locator("body").screenshot({ path: at("docs/images/pages.png") });
await browser.close();
