// Somebody at a browser, whose console is watched: errors and violations of the policy fail the scenario.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** What the browser itself logs about an answer with an error status, which scenarios may ask for. */
const ANSWERED = /^Failed to load resource: the server responded with a status of (\d+)/;

/** With UI_DIST, the bundle in that folder is shown instead of the program's own: no build of it between two looks. */
async function serveBuilt(route) {
  const [, stem, extension] = /\/(\w+)[^/]*\.(js|css)$/.exec(route.request().url());
  const path = `${process.env.UI_DIST}/${stem === "panel" ? "panel-page" : stem}.${extension}`;
  const contentType = extension === "js" ? "text/javascript" : "text/css";
  await route.fulfill({ path, contentType, headers: { "access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin" } });
}

export class Person {
  static async arrive(world, { scheme = "light", width = 1280, height = 900, motion = "reduce" } = {}) {
    const context = await world.browser.newContext({ viewport: { width, height }, colorScheme: scheme, reducedMotion: motion });
    context.setDefaultTimeout(15_000);
    const person = Object.assign(new Person(), { world, context, complaints: [], refusals: [], expected: [] });
    context.on("page", (page) => person.#listen(page));
    if (process.env.UI_DIST) await context.route(/\/(assets\/(panel|console|page)-\w+\.(js|css)|embed\.js)$/, serveBuilt);
    person.page = await context.newPage();
    return person;
  }

  #listen(page) {
    page.on("console", (message) => {
      const theirs = message.location().url.startsWith(this.world.github.url);
      if (!theirs && ["error", "warning"].includes(message.type())) this.complaints.push(message.text());
    });
    page.on("response", async (response) => {
      if (response.status() >= 400) this.refusals.push(`${response.status()} ${response.url()} ${await response.text().catch(() => "")}`);
    });
    page.on("pageerror", (error) => this.complaints.push(String(error)));
  }

  /** Answers with these statuses are part of the scenario. */
  expect(...statuses) {
    this.expected.push(...statuses.map(String));
  }

  async open(project, { role = "owner", tab, user } = {}) {
    const { url, token } = await project.session(role, user);
    this.token = token;
    await this.page.goto(tab ? `${url}&tab=${tab}` : url);
    await this.page.locator("lockstep-panel").waitFor();
  }

  button = (name, options = {}) => this.page.getByRole("button", { name, ...options });
  /** What the open dialog holds: its content stands outside of the `<dialog>` itself, in slots. */
  get dialog() {
    return this.page.locator("lockstep-dialog");
  }

  tab = (name) => this.page.getByRole("tab", { name });
  see = (text, options = {}) => this.page.getByText(text, options).first().waitFor();
  gone = (text) => this.page.getByText(text).first().waitFor({ state: "hidden" });

  /** No violation of WCAG 2.2 A and AA, and of axe's best practices. */
  async accessible(what, rules) {
    await this.page.evaluate(AXE);
    const options = { resultTypes: ["violations"], ...(rules && { runOnly: { type: "rule", values: rules } }) };
    const { violations } = await this.page.evaluate((options) => window.axe.run(document, options), options);
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target.flat().join(" ")} (${node.failureSummary})`).join("; ")}`);
    assert.deepEqual(found, [], `${what} is accessible`);
  }

  /** The other colours, once they are painted: with reduced motion there is nothing between the two. */
  async dark() {
    await this.page.emulateMedia({ colorScheme: "dark" });
    await this.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  }

  /** Nothing reaches beyond the side of the window. */
  async fits(what) {
    const beyond = await this.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(beyond <= 0, `${what} is ${beyond} px too wide`);
  }

  async leave() {
    await this.context.close();
    const unexpected = this.complaints.filter((text) => !this.expected.includes(ANSWERED.exec(text)?.[1]) && !this.expected.includes(text.match(/net::ERR_\w+/)?.[0]));
    this.complaints = [];
    assert.deepEqual(unexpected, [], `nothing to complain about in the browser's console; refused: ${this.refusals.join("\n")}`);
  }
}
