// 5: status and history.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../support/eventually.mjs";
import { World } from "../support/world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop());

test("5.1, 5.2 what was synced", async (t) => {
  const project = await (await world.project()).connect();
  await project.change({ "index.md": "two\n" });
  await project.inSync();
  const person = await world.person();
  await person.open(project);
  await t.test("5.1 says when it last synced", async () => {
    const fact = person.page.locator("lockstep-connection .facts div", { hasText: "Last synced" });
    await fact.getByText("just now").waitFor();
    assert.equal(await fact.locator("time").getAttribute("datetime"), (await project.status()).last_sync_at);
  });
  await person.tab("History").click();
  const entry = person.button("Details of Update index.md");
  await entry.click();
  const [commit] = await project.log();
  await t.test("5.2 lists the recent commits with times and messages", async () => {
    const link = person.page.locator("lockstep-history").getByRole("link", { name: `Commit ${(commit.oid ?? commit.sha).slice(0, 7)} on GitHub` }).last();
    assert.match(await link.getAttribute("href"), new RegExp(`/commit/${commit.oid ?? commit.sha}$`));
    assert.equal(await person.page.locator("lockstep-history:visible .entry time").count(), 2);
  });
  await person.button("View changes").click();
  await person.page.locator("tr.added", { hasText: "two" }).waitFor();
  await person.leave();
});

test("5.3, 5.4 an attempt that failed", async (t) => {
  const project = await (await world.project()).connect();
  await world.sim("POST", `/repos/${project.repo}/protection`, { pattern: "main", protection: "pull_request" });
  await project.change({ "index.md": "refused\n" });
  await project.becomes((now) => now.error?.code === "branch_protected", "the push is refused");
  const person = await world.person();
  await person.open(project, { tab: "history" });
  await t.test("5.3 stands in the history among those that succeeded, and alone with the filter", async () => {
    const outcomes = person.page.locator("lockstep-history:visible .meta");
    await outcomes.getByText("Failed").first().waitFor();
    await outcomes.getByText("Succeeded").first().waitFor();
    await person.page.getByLabel("Show").selectOption("failed");
    await outcomes.getByText("Succeeded").first().waitFor({ state: "hidden" });
    await outcomes.getByText("Failed").first().waitFor();
  });
  await t.test("5.4 says why it failed and what to do, and can be tried again", async () => {
    await person.page.locator(".what").first().click();
    const alert = person.page.getByRole("alert").first();
    await alert.getByText("The branch is protected").waitFor();
    await alert.getByText("Open a pull request with the changes").waitFor();
    await world.sim("DELETE", `/repos/${project.repo}/protection`, { pattern: "main" });
    await person.button("Try again").first().click();
    await project.inSync();
  });
  await person.leave();
});

test("5.5 what is pending is shown, and what of it waits for a decision", async () => {
  const project = await (await world.project()).connect();
  await project.settings({ auto_sync: false });
  await project.change({ "index.md": "mine\n", "src/app.ts": null });
  await project.push({ "index.md": "theirs\n" });
  await project.becomes((now) => now.conflicts === 1, "the conflict is known");
  const person = await world.person();
  await person.open(project);
  await person.see("2 changes waiting");
  await person.button(/^Changed index\.md Conflict/).waitFor();
  await person.button(/^Deleted src\/app\.ts/).waitFor();
  await project.change({ "notes.md": "new\n" });
  await person.button(/^Added notes\.md/).waitFor();
  await person.leave();
});

test("5.5 what GitHub refuses is held back with what to do next, and everything else goes on", async () => {
  const project = await (await world.project()).connect();
  await world.sim("POST", `/repos/${project.repo}/secrets`, { text: "hunter2" });
  const person = await world.person();
  await person.open(project);
  await project.settings({ batch_seconds: 0 });
  await project.change({ "config.txt": "password = hunter2\n", "fine.txt": "fine\n" });
  await eventually(async () => (await project.github())["fine.txt"] === "fine\n", "the other file is on GitHub");
  assert.equal((await project.github())["config.txt"], undefined);
  await person.button(/^Added config\.txt Held back/).waitFor();
  await person.see("GitHub found a secret. Remove the secret from the file, or allow it on GitHub, then sync again.");
  await person.see("1 change waiting");
  await project.change({ "config.txt": "password = from the environment\n" });
  await person.see("Everything is in sync");
  await person.gone("Held back");
  assert.equal((await project.github())["config.txt"], "password = from the environment\n");
  await person.leave();
});

test("5.5 a file whose place excluded files take on GitHub is held back with what to do next", async () => {
  const project = await world.project();
  await project.connect(`${project.login}/${project.id}`, { "node_modules/x.js": "x\n" });
  await project.settings({ batch_seconds: 0 });
  await project.change({ node_modules: "a file\n", "fine.txt": "fine\n" });
  await eventually(async () => (await project.github())["fine.txt"] === "fine\n", "the other file is on GitHub");
  const person = await world.person();
  await person.open(project);
  await person.button(/^Added node_modules Held back/).waitFor();
  await person.see("GitHub does not take this file. Rename or exclude this file, or move what GitHub has in its place.");
  assert.equal((await project.github())["node_modules/x.js"], "x\n");
  await person.leave();
});

test("5 an earlier state can be brought back", async () => {
  const project = await (await world.project({ "index.md": "first\n" })).connect();
  await project.change({ "index.md": "second\n" });
  await project.inSync();
  const person = await world.person();
  await person.open(project, { tab: "history" });
  await person.page.locator(".what").last().click();
  await person.button("Restore this version").click();
  await person.see("Restore this version?");
  await person.button("Restore files").click();
  await eventually(async () => (await project.file("index.md")) === "first\n", "the first version is back");
  await eventually(async () => (await project.github())["index.md"] === "first\n", "and on GitHub");
  await person.leave();
});
