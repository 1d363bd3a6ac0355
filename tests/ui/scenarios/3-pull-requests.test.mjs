// 3: pull requests from the product.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../support/eventually.mjs";
import { World } from "../support/world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop());

async function changed() {
  const project = await (await world.project()).connect();
  await project.settings({ auto_sync: false });
  await project.change({ "index.md": "# Proposed\n" });
  return project;
}

test("3.1 with pending changes a pull request is offered, without it is not", async () => {
  const project = await changed();
  const person = await world.person();
  await person.open(project);
  await person.button("Create pull request").waitFor();
  await person.button("Sync now").click();
  await person.see("Everything is in sync");
  await person.button("Create pull request").waitFor({ state: "hidden" });
  await person.tab("Pull requests").click();
  await person.see("There are no pending changes to propose");
  assert.ok(await person.button("New pull request").isDisabled());
  await person.leave();
});

test("3.1 with auto-sync on there is nothing to propose, and the page says why and how to change it", async () => {
  const project = await (await world.project()).connect();
  const person = await world.person();
  await person.open(project, { tab: "pulls" });
  await person.see("changes go to main by themselves");
  await person.button("Turn auto-sync off").click();
  await person.see("There are no pending changes to propose");
  assert.equal((await project.status()).settings.auto_sync, false);
  await project.change({ "index.md": "# Proposed\n" });
  await eventually(async () => !(await person.button("New pull request").isDisabled()), "it is offered");
  await person.leave();
});

test("3.2 to 3.5 creating a pull request", async (t) => {
  const project = await changed();
  const person = await world.person();
  await person.open(project);
  await person.button("Create pull request").click();
  const { dialog } = person;
  await dialog.getByRole("button", { name: "Create pull request" }).click();
  await person.see("Give the pull request a title");
  await dialog.getByLabel("Title").fill("Better words");
  await dialog.getByLabel(/^Description/).fill("They are better.");
  await dialog.getByRole("button", { name: "Create pull request" }).click();
  const link = person.page.locator("lockstep-pull-requests").getByRole("link", { name: /Better words/ });
  await link.waitFor();
  const { items: [pull] } = await world.api("GET", `${project.path}/pull-requests`);
  await t.test("3.2 makes a branch with the changes", async () => {
    assert.equal(pull.branch, "lockstep/better-words");
    assert.deepEqual(pull.paths, ["index.md"]);
  });
  await t.test("3.3 pushes it, and leaves the connected branch alone", async () => {
    assert.equal((await world.sim("GET", `/repos/${project.repo}/files?ref=${pull.branch}`))["index.md"], "# Proposed\n");
    assert.equal((await project.github())["index.md"], "# Hello\n");
  });
  await t.test("3.4 opens a pull request with title, description and target branch", async () => {
    const opened = await world.sim("GET", `/repos/${project.repo}/pulls/${pull.number}`);
    assert.equal(opened.title, "Better words");
    assert.equal(opened.body, "They are better.");
    assert.equal(pull.base, "main");
  });
  await t.test("3.5 the overview says where the changes are, and offers nothing that would do nothing", async () => {
    await person.tab("Overview").click();
    await person.see("1 change in review");
    const pill = person.page.locator("#status lockstep-status");
    await pill.getByText("1 in review").waitFor();
    const controls = person.page.locator("lockstep-sync-controls");
    assert.equal(await controls.getByRole("link", { name: `#${pull.number}` }).getAttribute("href"), pull.url);
    assert.ok(await person.button("Sync now").isDisabled());
    assert.equal(await person.button("Create pull request").count(), 0);
    assert.equal(await controls.getByText("Held back").count(), 0);
    await project.change({ "more.md": "more\n" });
    await person.see("1 change waiting");
    await pill.getByText("1 pending").waitFor();
    await person.button("Create pull request").waitFor();
    await project.change({ "more.md": null });
    await pill.getByText("1 in review").waitFor();
    await person.button("Create pull request").waitFor({ state: "hidden" });
    await person.tab("Pull requests").click();
    await person.see("All pending changes are in review already");
  });
  await t.test("3.5 shows its address and status, and follows it", async () => {
    assert.equal(await link.getAttribute("href"), pull.url);
    await person.see("Open", { exact: true });
    await world.sim("POST", `/repos/${project.repo}/pulls/${pull.number}/merge`, {});
    await person.see("Merged");
    await eventually(async () => (await project.status()).pending_changes === 0, "nothing is pending after the merge");
  });
  await person.leave();
});

test("3.5 checks and reviews are shown as they come", async () => {
  const project = await changed();
  await world.api("POST", `${project.path}/pull-requests`, { title: "Watched" });
  const person = await world.person();
  await person.open(project, { tab: "pulls" });
  await person.see("No checks");
  const { items: [pull] } = await world.api("GET", `${project.path}/pull-requests`);
  const [head] = await world.sim("GET", `/repos/${project.repo}/log?ref=${pull.branch}`);
  await world.sim("POST", `/repos/${project.repo}/checks`, { sha: head.oid ?? head.sha, name: "build", result: "failure" });
  await person.see("Checks failed");
  await world.sim("POST", "/users", { login: "reviewer" });
  await world.sim("POST", `/repos/${project.repo}/collaborators`, { login: "reviewer", role: "write" });
  await world.sim("POST", `/repos/${project.repo}/pulls/${pull.number}/review`, { by: "reviewer", verdict: "approved" });
  await person.see("Approved");
  await person.leave();
});
