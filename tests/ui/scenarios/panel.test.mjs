// The panel around its parts: roles, sessions, the keyboard, other people's pages.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../support/eventually.mjs";
import { World } from "../support/world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop());

async function waiting() {
  const project = await (await world.project()).connect();
  await project.settings({ auto_sync: false });
  await project.change({ "index.md": "waiting\n" });
  return project;
}

test("a viewer sees everything and is offered nothing", async () => {
  const project = await waiting();
  const person = await world.person();
  await person.open(project, { role: "viewer" });
  await person.see("1 change waiting");
  await person.see("You can look at everything here");
  assert.ok(await person.button("Sync now").isDisabled());
  assert.ok(await person.button("Create pull request").isDisabled());
  assert.ok(await person.page.getByRole("switch", { name: "Auto-sync" }).isDisabled());
  await person.tab("Settings").click();
  await person.see("Only owners can change settings");
  assert.ok(await person.page.getByRole("textbox", { name: "Commit message" }).isDisabled());
  await person.leave();
});

test("an editor syncs and changes no settings", async () => {
  const project = await waiting();
  const person = await world.person();
  await person.open(project, { role: "editor" });
  await person.see("Settings belong to owners");
  assert.ok(await person.page.getByRole("switch", { name: "Auto-sync" }).isDisabled());
  await person.button("Sync now").click();
  await person.see("Everything is in sync");
  await person.leave();
});

test("who may not connect is told who can", async () => {
  const project = await world.project();
  const person = await world.person();
  await person.open(project, { role: "editor" });
  await person.see("An owner of the project can connect it");
  assert.equal(await person.button("Connect to GitHub").count(), 0);
  await person.leave();
});

test("a session that ended says so, and tells the page", async () => {
  const project = await waiting();
  const person = await world.person();
  person.expect(401);
  await person.open(project);
  await person.see("1 change waiting");
  await person.page.evaluate(() => document.addEventListener("lockstep-session-expired", () => (document.title = "expired")));
  await world.query("UPDATE panel_sessions SET expires_at = now() - interval '1 second'");
  await person.button("Sync now").click();
  await person.see("Your session has ended");
  await eventually(async () => (await person.page.title()) === "expired", "the page is told");
  await person.leave();
});

test("a page without a session says where one comes from", async () => {
  const project = await world.project();
  const person = await world.person();
  await person.page.goto(`${world.url}/panel/${project.id}`);
  await person.see("This page needs a session");
  await person.leave();
});

test("elements work in a page of another origin, alone and together, and tell it of changes", async () => {
  const project = await waiting();
  const { token } = await project.session("owner");
  const attributes = `project="${project.id}" session="${token}" api="${world.url}"`;
  world.pages.set("/embed", {
    headers: { "content-security-policy": `default-src 'none'; script-src 'self' 'sha256-XYZ' ${world.url}; style-src 'none'; connect-src ${world.url}; img-src data:` },
    html: `<!doctype html><html lang="en"><head><title>Host</title><link rel="icon" href="data:,"><script type="module" src="${world.url}/embed.js"></script></head>
      <body><main><h1>Site <lockstep-status ${attributes}></lockstep-status></h1><lockstep-sync-controls ${attributes}></lockstep-sync-controls><lockstep-history ${attributes}></lockstep-history></main></body></html>`,
  });
  const person = await world.person();
  await person.page.goto(`${world.host}/embed`);
  await person.see("1 pending");
  await person.page.evaluate(() => document.addEventListener("lockstep-change", (event) => (document.title = event.detail.integration.sync_status)));
  await person.accessible("embedded elements");
  await person.button("Sync now").click();
  await person.see("Everything is in sync");
  await eventually(async () => (await person.page.title()) === "success", "the page hears of the change");
  await person.leave();
});

test("the panel works in a frame of another origin, and opens GitHub beside it", async () => {
  const project = await world.project();
  const { url } = await project.session("owner");
  world.pages.set("/frame", { html: `<!doctype html><html lang="en"><head><title>Host</title><link rel="icon" href="data:,"></head><body><iframe title="GitHub" src="${url}" width="900" height="800"></iframe></body></html>` });
  const person = await world.person();
  await person.page.goto(`${world.host}/frame`);
  const frame = person.page.frameLocator("iframe");
  const opened = person.context.waitForEvent("page");
  await frame.getByRole("button", { name: "Connect to GitHub" }).click();
  const github = await opened;
  await github.getByRole("button", { name: /^Authorize / }).click();
  await frame.getByLabel("Repository name").waitFor();
  await person.leave();
});

test("nobody else may frame the panel", async () => {
  const project = await world.project();
  const response = await fetch(`${world.url}/panel/${project.id}`);
  const policy = response.headers.get("content-security-policy");
  assert.match(policy, new RegExp(`frame-ancestors ${world.host}$`));
  assert.doesNotMatch(policy, /unsafe/);
});
