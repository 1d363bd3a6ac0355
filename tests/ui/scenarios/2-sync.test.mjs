// 2: automatic sync, and what changed on both sides.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../support/eventually.mjs";
import { World } from "../support/world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop());

/** A project in step whose index.md then changes on both sides; sync now finds the conflict. */
async function torn(files = { "index.md": "one\n", "other.md": "other\n" }) {
  const project = await (await world.project(files)).connect();
  await project.settings({ auto_sync: false, pull: true });
  await project.change({ "index.md": "mine\n" });
  await project.push({ "index.md": "theirs\n" });
  await world.api("POST", `${project.path}/syncs`, {});
  await project.becomes((now) => now.conflicts === 1, "the conflict is known");
  return project;
}

test("2.1 to 2.4 with auto-sync on", async (t) => {
  const project = await (await world.project()).connect();
  await project.settings({ batch_seconds: 2 });
  const person = await world.person();
  await person.open(project);
  await person.see("Everything is in sync");
  await project.change({ "src/app.ts": "export const answer = 42;\n" });
  await t.test("2.1 a change is detected and shown", async () => {
    await person.see("1 change waiting");
    await person.button(/^Changed src\/app\.ts/).waitFor();
  });
  await t.test("2.2 it becomes a commit by itself", () => person.see("Everything is in sync"));
  await t.test("2.3 the commit says what changed", async () => {
    await person.button("Details of Update src/app.ts").first().waitFor();
    const [commit] = await project.log();
    assert.match(commit.message, /^Update src\/app\.ts/);
  });
  await t.test("2.4 the commit reaches the connected repository, and a toast says so", async () => {
    assert.equal((await project.github())["src/app.ts"], "export const answer = 42;\n");
    await person.see("1 file committed to GitHub");
    const { last_commit_url: url } = await project.status();
    assert.equal(await person.page.getByRole("link", { name: "View commit" }).getAttribute("href"), url);
  });
  await person.leave();
});

test("2.2 with auto-sync off, changes wait until a person syncs", async () => {
  const project = await (await world.project()).connect();
  const person = await world.person();
  await person.open(project);
  const auto = person.page.getByRole("switch", { name: "Auto-sync" });
  await auto.click();
  await eventually(async () => !(await project.status()).settings.auto_sync, "the switch is off");
  await project.change({ "new.md": "new\n" });
  await person.see("Auto-sync is off");
  assert.equal((await project.github())["new.md"], undefined);
  await person.button("Sync now").click();
  await person.see("Everything is in sync");
  assert.equal((await project.github())["new.md"], "new\n");
  await person.leave();
});

test("2.1 what waits is shown with its patch", async () => {
  const project = await (await world.project({ "index.md": "one\ntwo\n" })).connect();
  await project.settings({ auto_sync: false });
  await project.change({ "index.md": "one\n2\n", "new.md": "new\n" });
  const person = await world.person();
  await person.open(project);
  const change = person.button(/^Changed index\.md/);
  await change.click();
  await person.page.getByRole("cell", { name: "2", exact: true }).last().waitFor();
  const added = person.page.locator("tr.added");
  assert.match(await added.innerText(), /\+\s*2/);
  await person.leave();
});

test("2.5 a change on both sides is told, shown side by side, and the project's version can be kept", async () => {
  const project = await torn();
  const person = await world.person();
  await person.open(project);
  await person.see("1 file changed on both sides");
  await person.button("Resolve conflicts").click();
  await person.see("theirs");
  await person.button("Keep project’s").click();
  await person.button("Resolve 1 file").click();
  await person.see("Everything is in sync");
  assert.equal((await project.github())["index.md"], "mine\n");
  await person.leave();
});

test("2.5 GitHub's version can be taken", async () => {
  const project = await torn();
  const person = await world.person({ width: 360 });
  await person.open(project);
  await person.tab("GitHub").click();
  await person.see("theirs");
  await person.fits("the conflict");
  await person.accessible("the conflict on a narrow screen");
  await person.button("Take GitHub’s").click();
  await person.button("Resolve 1 file").click();
  await eventually(async () => (await project.file("index.md")) === "theirs\n", "the project has GitHub's version");
  await person.see("Everything is in sync");
  await person.leave();
});

test("2.5 both versions can be merged by hand", async () => {
  const project = await torn();
  const person = await world.person();
  await person.open(project);
  await person.button("Merge by hand").click();
  const text = person.page.getByLabel("Merged text of index.md");
  await person.see("There are still conflict marks");
  assert.ok(await person.button("Use this text").isDisabled());
  await text.fill("both\n");
  await person.button("Use this text").click();
  await person.button("Resolve 1 file").click();
  await person.see("Everything is in sync");
  assert.equal((await project.github())["index.md"], "both\n");
  assert.equal(await project.file("index.md"), "both\n");
  await person.leave();
});

test("2.5 all conflicts can be resolved at once", async () => {
  const project = await torn();
  const person = await world.person();
  await person.open(project);
  await person.page.getByLabel("Resolve all at once").selectOption("github");
  await person.see("Take GitHub’s version of every file?");
  await person.button("Resolve all", { exact: true }).click();
  await person.see("Everything is in sync");
  assert.equal(await project.file("index.md"), "theirs\n");
  await person.leave();
});

test("2.5 the project's version can go to a pull request, and nothing is in conflict any more", async () => {
  const project = await torn();
  const person = await world.person();
  await person.open(project);
  await person.page.getByLabel("Resolve all at once").selectOption("pull_request");
  await person.see("Open a pull request with the project’s versions?");
  await person.button("Resolve all", { exact: true }).click();
  await person.see("Pull request #1 opened");
  await person.see("Everything is in sync");
  await person.page.locator("lockstep-conflicts").waitFor({ state: "detached" });
  assert.equal((await project.status()).conflicts, 0);
  const opened = await world.sim("GET", `/repos/${project.repo}/pulls/1`);
  const { items: [pull] } = await world.api("GET", `${project.path}/pull-requests`);
  assert.deepEqual([opened.state, pull.state, pull.paths, pull.base], ["open", "open", ["index.md"], "main"]);
  assert.equal((await world.sim("GET", `/repos/${project.repo}/files?ref=${pull.branch}`))["index.md"], "mine\n");
  assert.equal((await project.github())["index.md"], "theirs\n");
  assert.equal(await project.file("index.md"), "theirs\n");
  await person.tab("Pull requests").click();
  assert.equal(await person.page.locator("lockstep-pull-requests .entry a").getAttribute("href"), pull.url);
  await person.leave();
});

test("2 a sync that would delete much waits until somebody has looked", async () => {
  const files = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`page-${at}.md`, `${at}\n`]));
  const project = await (await world.project(files)).connect();
  await project.change(Object.fromEntries(Object.keys(files).slice(0, 30).map((path) => [path, null])));
  await project.becomes((now) => now.error?.code === "confirmation_required", "the sync waits");
  const person = await world.person();
  await person.open(project);
  await person.see("This sync would delete many files");
  await person.button("Review and confirm").click();
  await person.button("Delete and sync").click();
  await person.see("Everything is in sync");
  assert.equal(Object.keys(await project.github()).length, 10);
  await person.leave();
});
