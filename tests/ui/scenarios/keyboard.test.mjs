// The keyboard alone reaches and does everything; the focus is seen and never lost on the way, and what comes of it is
// announced.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../support/eventually.mjs";
import { Keyboard } from "../support/keyboard.mjs";
import { torn } from "../support/states.mjs";
import { World } from "../support/world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop());

const saved = (project, check) => eventually(async () => check(await world.api("GET", `${project.path}/settings`)), "the settings are saved");

async function waiting() {
  const project = await (await world.project()).connect();
  await project.settings({ auto_sync: false });
  await project.change({ "index.md": "waiting\n" });
  return project;
}

async function sitDown(project, tab) {
  const person = await world.person();
  await person.open(project, { tab });
  return { person, keys: new Keyboard(person), ...person };
}

test("from nothing to a connected project", async () => {
  const project = await world.project();
  const { person, keys, page } = await sitDown(project);
  await person.button("Connect to GitHub").waitFor();
  await keys.press("Connect to GitHub");
  await person.button(/^Authorize /).waitFor();
  await keys.reach("Authorize");
  await page.keyboard.press("Enter");
  await page.getByLabel("Repository name").waitFor();
  await keys.type("Repository name", "by-keyboard");
  await keys.press("Create repository");
  await person.see("Everything is in sync");
  await keys.isOn(`${project.login}/by-keyboard`);
  await keys.hears("Connected to");
  assert.equal((await project.status()).repository.full_name, `${project.login}/by-keyboard`);
  await person.leave();
});

test("tabs and syncing", async () => {
  const project = await waiting();
  const { person, keys, page } = await sitDown(project);
  await person.see("1 change waiting");
  await keys.reach("Overview");
  await page.keyboard.press("ArrowRight");
  await keys.isOn("History");
  await page.keyboard.press("Home");
  await keys.isOn("Overview");
  await keys.press("Changed index.md");
  await page.locator("tr.added").waitFor();
  await keys.isOn("Changed index.md");
  await keys.reach("Sync now", "Shift+Tab");
  await keys.listen();
  await page.keyboard.press("Enter");
  await person.see("Everything is in sync");
  await keys.isOn("Sync now");
  await keys.hears("1 file committed to GitHub");
  await person.leave();
});

test("a pull request", async () => {
  const project = await waiting();
  const { person, keys, page } = await sitDown(project);
  await person.see("1 change waiting");
  await keys.press("Create pull request");
  await page.getByRole("dialog").waitFor();
  await keys.isOn("Title");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await keys.isOn("Create pull request");
  await page.keyboard.press("Enter");
  await keys.isOn("Title");
  await page.keyboard.press("Enter");
  await person.see("Give the pull request a title");
  await keys.isOn("Title");
  await keys.isHeld();
  await keys.type("Title", "By keyboard");
  await keys.type("Description", "Without a mouse.");
  await keys.reach("Draft");
  await page.keyboard.press("Space");
  await keys.press("Create pull request");
  await keys.hears("Pull request #1 created");
  await page.getByRole("link", { name: /By keyboard/ }).waitFor();
  await keys.isOn("Pull requests");
  const opened = await world.sim("GET", `/repos/${project.repo}/pulls/1`);
  assert.deepEqual([opened.title, opened.body, opened.draft], ["By keyboard", "Without a mouse.", true]);
  await keys.press("Refresh status of #1");
  await eventually(async () => (await page.getByRole("button", { name: "Refresh status of #1" }).getAttribute("aria-disabled")) === "false", "it is refreshed");
  await keys.isOn("Refresh status of #1");
  await person.leave();
});

test("a conflict", async () => {
  const project = await torn(world);
  const { person, keys } = await sitDown(project);
  await person.see("2 files changed on both sides");
  await person.button("Keep project’s").first().waitFor();
  await keys.press("Resolve conflicts");
  await keys.isOn("Conflicts");
  await keys.press("Keep project’s");
  await keys.isOn("Change");
  await keys.press("Merge by hand");
  await keys.isOn("Merged text of src/app.ts");
  await keys.type("Merged text of src/app.ts", "export const answer = 43 + 1;\n");
  await keys.press("Use this text");
  await keys.isOn("src/app.ts");
  await keys.press("Resolve 2 files");
  await person.see("Everything is in sync");
  await person.page.locator("lockstep-conflicts").waitFor({ state: "detached" });
  await keys.isOn("Overview");
  assert.equal(await project.file("index.html"), "<h1>Welcome</h1>\n");
  assert.equal(await project.file("src/app.ts"), "export const answer = 43 + 1;\n");
  await person.leave();
});

test("a sync that waits for a confirmation", async () => {
  const files = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`page-${at}.md`, `${at}\n`]));
  const project = await (await world.project(files)).connect();
  await project.settings({ batch_seconds: 0 });
  await project.change(Object.fromEntries(Object.keys(files).slice(0, 25).map((path) => [path, null])));
  await project.becomes((now) => now.error?.code === "confirmation_required", "the sync waits");
  const { person, keys } = await sitDown(project);
  await person.see("This sync would delete many files");
  await keys.press("Review and confirm");
  await keys.isOn("Cancel");
  await keys.isHeld(4);
  await keys.press("Delete and sync");
  await person.see("Everything is in sync");
  await keys.hears("25 files committed to GitHub");
  await keys.isOn("Sync");
  await person.leave();
});

test("settings: switches, the policy, the commit message, excluded files", async () => {
  const project = await waiting();
  const { person, keys, page } = await sitDown(project, "settings");
  await page.locator("lockstep-exclude-patterns .preview").waitFor();
  await keys.press("Auto-sync", "Space");
  await saved(project, (settings) => settings.auto_sync);
  await keys.hears("Saved");
  await keys.isOn("Auto-sync");
  await page.keyboard.press("Space");
  await saved(project, (settings) => !settings.auto_sync);
  await keys.press("Ask me", "ArrowDown");
  await saved(project, (settings) => settings.conflict_policy === "project_wins");
  await keys.hears("Saved");
  await keys.isOn("Project wins");
  await keys.type("Commit message", "[keys] {{ summary }}");
  await keys.listen();
  await keys.hears("[keys] ");
  await keys.press("Save");
  await saved(project, (settings) => settings.commit_template === "[keys] {{ summary }}");
  await keys.hears("Saved");
  await keys.isOn("Commit message");
  await keys.press("Images", "Space");
  await keys.hears("Would exclude 0 files");
  await keys.isOn("Images");
  await keys.reach("Excluded files");
  await page.keyboard.press("ControlOrMeta+End");
  await page.keyboard.type("\nindex.*");
  await keys.hears("Would exclude 1 file");
  await keys.press("Save");
  await saved(project, ({ exclude }) => exclude.includes("*.png") && exclude.includes("index.*"));
  await keys.hears("Saved");
  await keys.isOn("Excluded files");
  await person.leave();
});

test("disconnecting", async () => {
  const project = await (await world.project()).connect();
  const { person, keys, page } = await sitDown(project, "settings");
  await page.locator("lockstep-exclude-patterns .preview").waitFor();
  await keys.press("Disconnect…");
  await page.getByRole("dialog").waitFor();
  await keys.isOn("Cancel");
  await keys.isHeld();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await keys.isOn("Disconnect…");
  assert.equal((await project.status()).state, "connected");
  await keys.press("Disconnect…");
  await keys.isOn("Cancel");
  await keys.press("Disconnect");
  await person.see("Keep this project in step with GitHub");
  await keys.hears("Disconnected from GitHub");
  await keys.isOn("Overview");
  assert.equal((await project.status()).state, "disconnected");
  await person.leave();
});

test("history: what a sync changed, and back to it", async () => {
  const project = await (await world.project({ "index.md": "first\n" })).connect();
  await project.settings({ batch_seconds: 0 });
  await project.change({ "index.md": "second\n" });
  await project.inSync();
  const { person, keys, page } = await sitDown(project, "history");
  await person.see("Update index.md");
  await keys.press("Details of Add index.md");
  await keys.press("View changes");
  await page.locator("tr.added").waitFor();
  await keys.isOn("Hide changes");
  await keys.reach("Changes in index.md");
  await keys.reach("Restore this version", "Shift+Tab");
  await keys.listen();
  await page.keyboard.press("Enter");
  await keys.isOn("Cancel");
  await keys.isHeld(4);
  await keys.reach("Restore files");
  await page.keyboard.press("Enter");
  await keys.hears("The project’s files were restored");
  await eventually(async () => (await project.github())["index.md"] === "first\n", "the first version is back");
  await eventually(async () => (await page.locator("lockstep-history:visible .entry").count()) === 3, "the new sync is listed");
  await keys.isOn("Restore this version");
  await person.leave();
});

test("the console: signing in, a dead letter, and out", async () => {
  const project = await (await world.project()).connect();
  const error = { code: "internal", detail: "It broke.", action: "Try again." };
  await world.query("INSERT INTO dead_letters (id, kind, project, attempts, error, payload) VALUES (gen_random_uuid(), 'sync', $1, 12, $2, '{}')", [project.id, error]);
  const person = await world.person();
  const { page } = person;
  const keys = new Keyboard(person);
  await page.goto(`${world.internal}/console`);
  await keys.isOn("Admin key");
  await page.keyboard.type(world.key);
  await page.keyboard.press("Enter");
  await person.see("PostgreSQL: ok");
  await keys.reach("Overview");
  await page.keyboard.press("ArrowRight");
  await keys.isOn("Dead letters");
  await person.see("It broke.");
  await keys.press(`Retry sync of ${project.id}`);
  await keys.hears(`Back in the queue: sync of ${project.id}.`);
  await keys.isOn("No dead letters");
  assert.deepEqual(await world.query("SELECT * FROM dead_letters"), []);
  await keys.reach("Sign out", "Shift+Tab");
  await page.keyboard.press("Enter");
  await keys.isOn("Admin key");
  await person.leave();
});
