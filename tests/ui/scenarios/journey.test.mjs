// Somebody who sees the panel for the first time, from nothing to a merged pull request; and what a host's page shows
// meanwhile.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../support/eventually.mjs";
import { World } from "../support/world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop());

test("from nothing to a merged pull request, with what the pages say and nothing else", async () => {
  const project = await world.project({ "index.html": "<h1>Hello</h1>\n", "about.html": "<p>Us</p>\n" });
  const person = await world.person();
  await person.open(project);
  await person.button("Connect to GitHub").click();
  await person.button(/^Authorize /).click();
  await person.page.getByLabel("Repository name").fill("homepage");
  await person.button("Create repository").click();
  await person.see("Everything is in sync");
  project.repo = `${project.login}/homepage`;

  await person.page.getByRole("switch", { name: "Auto-sync" }).click();
  await eventually(async () => !(await project.status()).settings.auto_sync, "changes wait from now on");
  await project.change({ "index.html": "<h1>Welcome</h1>\n", "contact.html": "<p>Write to us</p>\n" });
  await person.see("2 changes waiting");
  await person.button("Create pull request").click();
  await person.dialog.getByLabel("Title").fill("A warmer welcome");
  await person.dialog.getByRole("button", { name: "Create pull request" }).click();
  await person.see("Pull request #1 created");
  await person.page.getByRole("link", { name: /A warmer welcome/ }).waitFor();

  await world.sim("POST", `/repos/${project.repo}/pulls/1/merge`, {});
  await person.see("Pull request #1 merged");
  await person.tab("Overview").click();
  await person.see("Everything is in sync");
  assert.deepEqual(await project.github(), { "index.html": "<h1>Welcome</h1>\n", "about.html": "<p>Us</p>\n", "contact.html": "<p>Write to us</p>\n" });
  await person.leave();
});

test("a host's page of ten lines shows status and panel, and hears of changes", async () => {
  const project = await (await world.project()).connect();
  await project.settings({ auto_sync: false });
  await project.change({ "index.md": "waiting\n" });
  const { token } = await project.session("owner");
  const person = await world.person();
  await person.page.goto(world.hostPage(project.id, token));
  const pill = person.page.locator("body > header lockstep-status");
  await pill.getByText("1 pending").waitFor();
  await person.page.evaluate(() => document.addEventListener("lockstep-change", (event) => (document.title = event.detail.integration.sync_status)));
  await person.button("Sync now").click();
  await pill.getByText("In sync").waitFor();
  await eventually(async () => (await person.page.title()) === "success", "the page hears of the change");
  await person.leave();
});

test("the texts can be put into another language, at any depth and no more than are given", async () => {
  const project = await (await world.project()).connect();
  const { token } = await project.session("owner");
  const german = { status: { synced: "Abgeglichen" }, panel: { tabs: { history: "Verlauf" } }, settings: { policies: { ask: ["Mich fragen", "Die Datei wartet."] }, quickExcludes: { images: "Bilder" } } };
  world.pages.set("/german", { html: `<!doctype html><html lang="de"><head><title>Gastgeber</title><link rel="icon" href="data:,"></head><body><main>
    <lockstep-status project="${project.id}" session="${token}" api="${world.url}"></lockstep-status><lockstep-panel tab="settings" project="${project.id}" session="${token}" api="${world.url}"></lockstep-panel></main>
    <script type="module">import { useTexts } from "${world.url}/embed.js"; useTexts(${JSON.stringify(german)});</script></body></html>` });
  const person = await world.person();
  await person.page.goto(`${world.host}/german`);
  await person.see("Abgeglichen");
  await person.tab("Verlauf").waitFor();
  await person.tab("Pull requests").waitFor();
  await person.see("Die Datei wartet.");
  await person.see("Project wins");
  await person.button("Bilder").waitFor();
  await person.button("Logs").waitFor();
  await person.leave();
});
