// Opens the status page in a real browser, in each look, and tells what it saw as one line of JSON.
// usage: node browse.mjs PLAYWRIGHT CHROMIUM FOLDER, with {url, key, who, javaScript, charts} on
// standard input. Screenshots go to FOLDER.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const [playwright, chromiumPath, folder] = process.argv.slice(2);
const { chromium } = createRequire(import.meta.url)(playwright);
const order = JSON.parse(readFileSync(0, "utf8"));

// Playwright gives it a fresh --user-data-dir of its own and removes that at the end.
const browser = await chromium.launch({
  executablePath: chromiumPath,
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

// What the page must never cause.
const faults = [];

async function open(width, colorScheme) {
  const context = await browser.newContext({
    viewport: { width, height: 900 }, colorScheme, javaScriptEnabled: order.javaScript !== false,
    locale: "en-GB",
  });
  context.setDefaultTimeout(20000);
  const page = await context.newPage();
  page.on("console", (message) => {
    // The site has no icon, and its page is not ours.
    if (message.location().url.endsWith("/favicon.ico")) return;
    if (["error", "warning"].includes(message.type())) faults.push(`console: ${message.text()} ${message.location().url}`);
  });
  page.on("pageerror", (error) => faults.push(`script: ${error}`));
  page.on("requestfailed", (request) => faults.push(`not loaded: ${request.url()}`));
  if (order.charts === false) await page.route("**/chart.js", (route) => route.fulfill({ status: 404, body: "" }));
  return page;
}

// By keyboard alone.
async function logIn(page) {
  await page.goto(order.url + "/membergate/status");
  await page.locator("#key:focus").waitFor();
  await page.keyboard.type(order.key);
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
}

async function settle(page) {
  if (order.javaScript === false || order.charts === false) return;
  // waitForFunction() would need eval, which the page's security policy forbids.
  const drawn = () => [...document.querySelectorAll("canvas")].every((canvas) => canvas.style.width);
  for (const end = Date.now() + 20000; !(await page.evaluate(drawn));) {
    if (Date.now() > end) throw new Error("the charts are not drawn");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await page.waitForLoadState("networkidle");
}

async function look(page) {
  return page.evaluate(() => ({
    title: document.title,
    url: location.pathname,
    overflows: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    charts: [...document.querySelectorAll("canvas")].filter((canvas) => canvas.clientHeight > 0).length,
    inked: [...document.querySelectorAll("canvas")].filter((canvas) => {
      if (!canvas.width) return false;
      const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
      return pixels.some((value) => value !== 0);
    }).length,
    notices: [...document.querySelectorAll(".notice, .concerns p")].filter((p) => p.offsetParent).map((p) => p.textContent),
    facts: Object.fromEntries([...document.querySelectorAll("[data-fact]")].map((e) => [e.dataset.fact, e.textContent])),
    background: getComputedStyle(document.body).backgroundColor,
  }));
}

// What Tab reaches, in its order, and whether one sees where one is.
async function tabThrough(page) {
  const reached = [];
  await page.evaluate(() => { document.activeElement.blur(); scrollTo(0, 0); });
  for (let i = 0; i < 60; ++i) {
    await page.keyboard.press("Tab");
    const now = await page.evaluate(() => {
      const e = document.activeElement;
      if (e === document.body || e === null) return null;
      const style = getComputedStyle(e);
      return { tag: e.tagName.toLowerCase(), name: (e.getAttribute("aria-label") || e.textContent || e.id).trim(), outline: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
    });
    if (now === null || (reached.length && i > 3 && now.name === reached[0].name && now.tag === reached[0].tag)) break;
    reached.push(now);
  }
  return reached;
}

const report = { looks: {} };
for (const width of [1280, 390]) {
  for (const scheme of ["light", "dark"]) {
    const page = await open(width, scheme);
    await logIn(page);
    await settle(page);
    const name = `${order.name}-${width}-${scheme}`;
    await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
    if (order.javaScript === false) {
      report.looks[name] = { text: await page.locator("main").innerText() };
    } else {
      report.looks[name] = await look(page);
    }
    if (width === 1280 && scheme === "light" && order.who) {
      report.keyboard = await tabThrough(page);
      await page.goto(order.url + "/membergate/status?range=7d");
      await settle(page);
      report.week = await look(page);
      await page.locator("#who").fill(order.who);
      await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
      report.contact = { url: page.url(), text: await page.locator("main").innerText() };
      await page.screenshot({ path: `${folder}/${order.name}-contact.png`, fullPage: true });
      await page.setViewportSize({ width: 390, height: 900 });
      await page.emulateMedia({ colorScheme: "dark" });
      report.contact.overflows = (await look(page)).overflows;
      await page.screenshot({ path: `${folder}/${order.name}-contact-390-dark.png`, fullPage: true });
      await page.setViewportSize({ width: 1280, height: 900 });
      await page.emulateMedia({ colorScheme: "light" });
      await page.goto(order.url + "/membergate/status");
      await Promise.all([page.waitForNavigation(), page.locator("#dead button").first().click()]);
      report.retried = await look(page);
      await Promise.all([page.waitForNavigation(), page.locator("header button").click()]);
      report.loggedOut = await look(page);
    }
    await page.context().close();
  }
}
await browser.close();
console.log(JSON.stringify({ ...report, faults }));
