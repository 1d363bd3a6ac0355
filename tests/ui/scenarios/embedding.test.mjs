// Each element alone in a page of another origin: it shows what it is for, keeps to itself, and lets nothing in.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { World } from "../support/world.mjs";

let world, project, fresh;
before(async () => {
  world = await World.start();
  project = await busy();
  fresh = await world.project();
  const { authorize_url: url } = await world.api("POST", `${fresh.path}/connect`, { user: "u_1" });
  await fresh.authorize(url);
  world.pages.set("/loud.css", { html: LOUD, headers: { "content-type": "text/css" } });
});
after(() => world.stop());

/** With something to show everywhere: a conflict, a pending change, one in review. */
async function busy() {
  const made = await (await world.project({ "index.md": "one\n", "about.md": "us\n", "news.md": "none\n" })).connect();
  await made.settings({ auto_sync: false });
  await made.change({ "about.md": "we\n" });
  await world.api("POST", `${made.path}/pull-requests`, { title: "About us" });
  await made.change({ "index.md": "mine\n", "news.md": "some\n" });
  await made.push({ "index.md": "theirs\n" });
  await made.becomes((now) => now.conflicts === 1, "the conflict is known");
  return made;
}

/** What a page may say of its body, of all elements, of tags, and of class names that are the elements' own too. */
const LOUD = `
  :root { --text: red; --surface: yellow; --border: lime; --accent: lime; --radius: 40px; font-size: 30px; }
  body { letter-spacing: 4px; line-height: 3; text-align: center; text-transform: uppercase; text-indent: 20px; word-spacing: 9px; white-space: pre; cursor: wait; }
  * { color: red; font: italic 30px serif; }
  h2, h3, p, ul, li, dl { margin: 40px; padding: 30px; list-style: square; }
  button, input, select, textarea, a { background: yellow; border: 9px dotted lime; border-radius: 0; }
  .card, .badge, .row, .muted, .list, .body, .head, .primary { display: none; background: lime; opacity: 0.2; }
`;
/** What Lit keeps in the page, so that several copies of it get along. */
const LITS = ["litElementVersions", "litHtmlVersions", "litPropertyMetadata", "reactiveElementVersions"];
const SHOWN = {
  status: (person) => person.see("1 conflict"),
  connection: (person) => person.page.getByRole("link", { name: project.repo }).waitFor(),
  "repository-form": (person) => person.button("Create repository").waitFor(),
  "sync-controls": (person) => person.see("In review in"),
  history: (person) => person.button(/^Details of Add about\.md/).waitFor(),
  "pull-requests": (person) => person.page.getByRole("link", { name: /About us/ }).waitFor(),
  conflicts: (person) => person.see("theirs"),
  settings: (person) => person.page.locator("lockstep-exclude-patterns .preview").waitFor(),
  panel: (person) => person.see("theirs"),
};

/** How everything is painted inside of the elements and outside of them, at one moment: while the page is quiet, and loud. */
function painted() {
  const names = ["color", "background-color", "display", "opacity", "font", "letter-spacing", "word-spacing", "line-height", "text-align", "text-transform", "text-indent", "white-space", "cursor",
    "margin-top", "padding-left", "border-top", "border-radius", "list-style-type"];
  const of = (element) => {
    const style = getComputedStyle(element);
    return `${element.localName}.${element.className.baseVal ?? element.className}: ${names.map((name) => style.getPropertyValue(name)).join("; ")}`;
  };
  const look = (root, styles) => {
    for (const element of root.querySelectorAll("*")) {
      if (root !== document) styles.inside.push(of(element));
      else if (!element.localName.startsWith("lockstep-")) styles.outside.push(of(element));
      if (element.shadowRoot) look(element.shadowRoot, styles);
    }
    return styles;
  };
  const [sheet] = document.styleSheets;
  const [quiet, loud] = [true, false].map((disabled) => {
    sheet.disabled = disabled;
    return look(document, { inside: [], outside: [] });
  });
  sheet.disabled = true;
  return { quiet, loud };
}

function differences(before, after) {
  const found = before.flatMap((style, at) => (style === after[at] ? [] : [`${style}\n  became ${after[at]}`]));
  return before.length === after.length ? found : [`${before.length} elements became ${after.length}`];
}

for (const [name, isShown] of Object.entries(SHOWN)) {
  test(`lockstep-${name}`, async () => {
    const shown = name === "repository-form" ? fresh : project;
    const { token } = await shown.session("owner");
    world.pages.set(`/${name}`, {
      headers: { "content-security-policy": `default-src 'none'; script-src ${world.url}; style-src 'self'; connect-src ${world.url}; img-src data:` },
      html: `<!doctype html><html lang="en"><head><title>Host</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/loud.css"></head><body>
        <main><h1>Host</h1><div id="place"></div><h2 class="card">Own</h2><p class="muted row">Text <a href="/">link</a></p><button class="primary">Own</button><input class="badge" aria-label="Own"></main></body></html>`,
    });
    const person = await world.person();
    const { page } = person;
    await page.goto(`${world.host}/${name}`);
    const { quiet: alone } = await page.evaluate(painted);
    const globals = await page.evaluate(() => Object.keys(window));
    const attributes = { project: shown.id, session: token, api: world.url };
    await page.evaluate(async ({ tag, attributes, script }) => {
      const element = document.createElement(tag);
      for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
      document.querySelector("#place").append(element);
      await import(script);
    }, { tag: `lockstep-${name}`, attributes, script: `${world.url}/embed.js` });
    await isShown(person);
    const { quiet, loud } = await page.evaluate(painted);
    assert.deepEqual(differences(alone.outside, quiet.outside), [], "nothing gets out");
    const added = await page.evaluate((known) => Object.keys(window).filter((name) => !known.includes(name)), globals);
    assert.deepEqual(added.filter((name) => !LITS.includes(name)), [], "no global is left behind");
    assert.ok(quiet.inside.length > 5);
    assert.deepEqual(differences(quiet.inside, loud.inside), [], "nothing gets in");
    assert.notDeepEqual(loud.outside, quiet.outside);
    await person.accessible(`lockstep-${name} in another page`);
    await person.leave();
  });
}
