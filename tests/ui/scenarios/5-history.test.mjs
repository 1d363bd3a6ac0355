// 5: status and history.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../support/eventually.mjs";
import { World } from "../support/world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop());

test("5.1 and 5.2 when it last synced, and the recent commits with times and messages", async () => {
  const project = await (await world.project()).connect();
  await project.change({ "index.md": "two\n" });
  await project.inSync();
  const person = await world.person();
  await person.open(project);
  await person.see("Last synced");
  await person.tab("History").click();
  const entry = person.button("Details of Update index.md");
  await entry.click();
  const [commit] = await project.log();
  const link = person.page.locator("lockstep-history").getByRole("link", { name: `Commit ${(commit.oid ?? commit.sha).slice(0, 7)} on GitHub` }).last();
  assert.match(await link.getAttribute("href"), new RegExp(`/commit/${commit.oid ?? commit.sha}$`));
  await person.button("View changes").click();
  await person.page.locator("tr.added", { hasText: "two" }).waitFor();
  await person.accessible("an entry of the history with its patch");
  await person.leave();
});

test("5.3 and 5.4 attempts that failed say why and what to do, and can be tried again", async () => {
  const project = await (await world.project()).connect();
  await world.sim("POST", `/repos/${project.repo}/protection`, { pattern: "main", protection: "pull_request" });
  await project.change({ "index.md": "refused\n" });
  await project.becomes((now) => now.error?.code === "branch_protected", "the push is refused");
  const person = await world.person();
  await person.open(project, { tab: "history" });
  await person.see("Failed");
  await person.page.getByLabel("Show").selectOption("failed");
  await person.page.locator(".what").first().click();
  await person.page.getByRole("alert").first().waitFor();
  await person.see("The branch is protected");
  await person.accessible("a failure and its way out");
  await world.sim("DELETE", `/repos/${project.repo}/protection`, { pattern: "main" });
  await person.button("Try again").first().click();
  await project.inSync();
  await person.leave();
});

test("5.5 what is pending is shown, with what is held back and why", async () => {
  const project = await (await world.project()).connect();
  await world.sim("POST", `/repos/${project.repo}/secrets`, { text: "sk_live_12345" });
  await project.change({ "config.txt": "key=sk_live_12345\n", "fine.txt": "fine\n" });
  const person = await world.person();
  await person.open(project);
  await person.see("Held back");
  await eventually(async () => (await project.github())["fine.txt"] === "fine\n", "the rest lands");
  assert.equal((await project.github())["config.txt"], undefined);
  await person.accessible("a file that is held back");
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
  await person.accessible("the question before restoring");
  await person.button("Restore files").click();
  await eventually(async () => (await project.file("index.md")) === "first\n", "the first version is back");
  await eventually(async () => (await project.github())["index.md"] === "first\n", "and on GitHub");
  await person.leave();
});
