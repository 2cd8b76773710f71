// A real browser for the tests: one JSON command a line on standard input, one answer a line back.
// usage: node browser.mjs PLAYWRIGHT CHROMIUM
import { createRequire } from "node:module";
import readline from "node:readline";

const { chromium } = createRequire(import.meta.url)(process.argv[2]);
const TIMEOUT = 30000;

// Playwright gives it a fresh --user-data-dir of its own and removes that at the end.
const browser = await chromium.launch({
  executablePath: process.argv[3],
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

// Each person has a browser profile of his own.
const pages = new Map();
async function pageOf(person) {
  if (!pages.has(person)) {
    const context = await browser.newContext({ viewport: { width: 1000, height: 760 } });
    context.setDefaultTimeout(TIMEOUT);
    pages.set(person, await context.newPage());
  }
  return pages.get(person);
}

async function view(page, response) {
  return {
    status: response ? response.status() : null,
    url: page.url(),
    title: await page.title(),
    text: await page.locator("body").innerText(),
  };
}

const commands = {
  async goto(page, { url }) {
    return view(page, await page.goto(url));
  },
  // Fills a form and sends it; the answer is the page that comes of it.
  async submit(page, { fields, button }) {
    for (const [selector, value] of Object.entries(fields)) {
      await page.locator(selector).fill(value);
    }
    const [response] = await Promise.all([
      page.waitForNavigation({ waitUntil: "load" }),
      page.locator(button).click(),
    ]);
    return view(page, response);
  },
  async click(page, { selector }) {
    await page.locator(selector).click();
    return null;
  },
  async fill(page, { fields }) {
    for (const [selector, value] of Object.entries(fields)) {
      await page.locator(selector).fill(value);
    }
    return null;
  },
  // A box that is shown only sometimes.
  async check(page, { selector }) {
    const box = page.locator(selector);
    if (await box.isVisible()) await box.check();
    return null;
  },
  // WordPress's script writes a password of its own into its field some time after the page is there.
  async untilFilled(page, { selector }) {
    await page.waitForFunction((field) => document.querySelector(field)?.value, selector);
    return null;
  },
  async untilFocus(page, { selector }) {
    await page.waitForFunction((wanted) => document.activeElement.matches(wanted), selector);
    return null;
  },
  async text(page, { selector }) {
    return page.locator(selector).innerText();
  },
  async cookies(page) {
    return page.context().cookies();
  },
  async forgetCookie(page, { name }) {
    const context = page.context();
    const kept = (await context.cookies()).filter((cookie) => cookie.name !== name);
    await context.clearCookies();
    await context.addCookies(kept);
    return null;
  },
  async screenshot(page, { path }) {
    await page.screenshot({ path });
    return null;
  },
};

console.log(JSON.stringify({ ready: browser.version() }));
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { command, person, ...rest } = JSON.parse(line);
  try {
    console.log(JSON.stringify({ answer: (await commands[command](await pageOf(person), rest)) ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
}
await browser.close();
