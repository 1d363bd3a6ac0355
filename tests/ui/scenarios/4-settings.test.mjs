// 4: settings.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../support/eventually.mjs";
import { World } from "../support/world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop());

const saved = (project, check) => eventually(async () => check(await world.api("GET", `${project.path}/settings`)), "the settings are saved");

test("4.1 the connection's status is shown, and follows what happens at GitHub", async () => {
  const project = await (await world.project()).connect();
  const person = await world.person();
  await person.open(project);
  await person.see("Connected");
  await person.page.getByRole("link", { name: project.repo }).waitFor();
  await world.sim("DELETE", `/repos/${project.repo}`);
  await person.see("Needs attention");
  await person.see("The repository no longer exists");
  await person.leave();
});

test("4.2 auto-sync can be switched", async () => {
  const project = await (await world.project()).connect();
  const person = await world.person();
  await person.open(project, { tab: "settings" });
  const auto = person.page.getByRole("switch", { name: "Auto-sync" });
  assert.equal(await auto.getAttribute("aria-checked"), "true");
  await auto.click();
  await saved(project, (settings) => !settings.auto_sync);
  await person.see("Saved");
  await auto.click();
  await saved(project, (settings) => settings.auto_sync);
  await person.leave();
});

test("4.3 commit messages follow a template that is tried before it is saved", async () => {
  const project = await (await world.project()).connect();
  await project.settings({ auto_sync: false });
  await project.change({ "index.md": "changed\n" });
  const person = await world.person();
  person.expect(422);
  await person.open(project, { tab: "settings" });
  const template = person.page.getByRole("textbox", { name: "Commit message" });
  await template.fill("{% if %}");
  await person.page.locator("#template-error").getByText("Line 1 cannot be read: complete every").waitFor();
  await person.accessible("a template that does not hold");
  await template.fill("[{{ project }}] {{ count }} changed: ");
  await person.button("summary").click();
  await person.see(`[${project.id}] 1 changed: Update index.md`);
  await person.button("Save").click();
  await saved(project, (settings) => settings.commit_template === "[{{ project }}] {{ count }} changed: {{ summary }}");
  await world.api("POST", `${project.path}/syncs`, {});
  await project.inSync();
  const [commit] = await project.log();
  assert.match(commit.message, new RegExp(`^\\[${project.id}\\] 1 changed: Update index.md`));
  await person.leave();
});

test("4.4 which files are synced can be chosen, by type and by pattern, and is shown first", async () => {
  const project = await (await world.project({ "index.md": "a\n" })).connect();
  const person = await world.person();
  await person.open(project, { tab: "settings" });
  await project.settings({ auto_sync: false });
  await project.change({ "photo.png": "not really\n", "notes.txt": "n\n" });
  await person.button("Images").click();
  await person.see("Would exclude 1 file and sync 2 files.");
  await person.see("photo.png");
  const patterns = person.page.getByRole("textbox", { name: "Excluded files" });
  await patterns.fill(`${await patterns.inputValue()}\n*.txt`);
  await person.see("Would exclude 2 files and sync 1 file.");
  await person.accessible("patterns before they are saved");
  await person.button("Save").click();
  await saved(project, (settings) => settings.exclude.includes("*.png") && settings.exclude.includes("*.txt"));
  await world.api("POST", `${project.path}/syncs`, {});
  await eventually(async () => (await project.status()).pending_changes === 0, "nothing else is pending");
  assert.deepEqual(Object.keys(await project.github()), ["index.md"]);
  await person.leave();
});

test("4.5 settings are validated, then applied", async () => {
  const project = await (await world.project()).connect();
  const person = await world.person();
  person.expect(422, 409);
  await person.open(project, { tab: "settings" });
  const guard = person.page.getByLabel("Ask before deleting more than");
  await guard.fill("400");
  await guard.press("Enter");
  await person.page.locator("#max_delete_percent-error").getByText("A number from 0 to 100.").waitFor();
  assert.equal((await world.api("GET", `${project.path}/settings`)).max_delete_percent, 50);
  await guard.fill("80");
  await guard.press("Enter");
  await saved(project, (settings) => settings.max_delete_percent === 80);
  await person.page.getByLabel("Collect changes for").selectOption("60");
  await saved(project, (settings) => settings.batch_seconds === 60);
  await person.page.getByRole("radio", { name: /^Project wins/ }).check();
  await saved(project, (settings) => settings.conflict_policy === "project_wins");
  await person.page.getByRole("textbox", { name: "Branch" }).fill("nowhere");
  await person.button("Switch branch").click();
  await person.see("The branch does not exist");
  await person.accessible("a refused branch");
  await person.leave();
});
