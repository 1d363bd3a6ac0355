// 1: a repository from a project.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../support/eventually.mjs";
import { World } from "../support/world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop());

/** From nothing to the form. */
async function authorize(person, project) {
  await person.open(project);
  await person.button("Connect to GitHub").click();
  await person.button(/^Authorize /).click();
  await person.page.getByLabel("Repository name").waitFor();
}

test("1.1 asking for a repository takes the person through GitHub's authorization", async () => {
  const project = await world.project();
  const person = await world.person();
  await person.open(project);
  await person.see("Keep this project in step with GitHub");
  await person.button("Connect to GitHub").click();
  await person.button(/^Authorize /).waitFor();
  assert.equal(new URL(person.page.url()).origin, world.github.url);
  await person.button(/^Authorize /).click();
  await person.page.getByLabel("Repository name").waitFor();
  assert.equal(new URL(person.page.url()).pathname, `/panel/${project.id}`);
  assert.ok(!person.page.url().includes(person.token), "the address does not keep the session");
  await person.leave();
});

test("1.1 who says no at GitHub is told so and may try again", async () => {
  const project = await world.project();
  const person = await world.person();
  await person.open(project);
  await person.button("Connect to GitHub").click();
  await person.button("Cancel").click();
  await person.see("You did not authorize on GitHub");
  assert.equal((await project.status()).state, "disconnected");
  await person.button("Connect to GitHub").waitFor();
  await person.leave();
});

test("1.2 a form takes name, description and visibility, and checks them as one types", async () => {
  const project = await world.project();
  const person = await world.person();
  await authorize(person, project);
  const name = person.page.getByLabel("Repository name");
  assert.equal(await name.inputValue(), project.id);
  await name.fill("what?");
  await person.see("Use only letters, digits");
  await name.fill("site.git");
  await person.see("GitHub reserves this name");
  await name.fill("fine-name");
  await person.gone("GitHub reserves this name");
  await person.page.getByLabel(/^Description/).fill("All about tools");
  await person.page.getByRole("radio", { name: /Public/ }).check();
  await person.leave();
});

test("1.3, 1.4 creating the repository", async (t) => {
  const project = await world.project({ "index.md": "# Hello\n", "docs/a b.txt": "ä\n" });
  const person = await world.person();
  await authorize(person, project);
  await person.page.getByLabel("Repository name").fill("shop");
  await person.page.getByLabel(/^Description/).fill("All about tools");
  await person.page.getByRole("radio", { name: /Public/ }).check();
  await person.button("Create repository").click();
  project.repo = `${project.login}/shop`;
  await t.test("1.3 submitting creates the repository with those settings", async () => {
    await person.page.getByRole("link", { name: project.repo }).waitFor();
    const made = await world.sim("GET", `/repos/${project.repo}`);
    assert.deepEqual([made.description, made.private], ["All about tools", false]);
    await person.see("Public");
  });
  await t.test("1.4 the project's present files are pushed to it", async () => {
    await person.see("Everything is in sync");
    assert.deepEqual(await project.github(), { "index.md": "# Hello\n", "docs/a b.txt": "ä\n" });
    assert.equal((await project.log()).length, 1);
  });
  await person.leave();
});

test("1.5 a failure says what went wrong and lets the person try again", async () => {
  const project = await world.project();
  await world.sim("POST", "/repos", { name: `${project.login}/taken` });
  const person = await world.person();
  person.expect(409, 503);
  await authorize(person, project);
  await person.page.getByLabel("Repository name").fill("taken");
  await person.see("You already have a repository of this name");
  await person.page.getByLabel("Repository name").fill("free");
  await world.sim("POST", "/faults", { fault: "status", status: 502, filter: "POST /user/repos", count: 20 });
  await person.button("Create repository").click();
  await person.page.getByRole("alert").waitFor();
  await world.sim("DELETE", "/faults");
  await person.button("Try again").click();
  await person.page.getByRole("link", { name: `${project.login}/free` }).waitFor();
  await eventually(async () => (await project.status()).sync_status === "success", "the first sync");
  await person.leave();
});

test("1.5 without an installation the person is led to GitHub, and the form goes on by itself", async () => {
  const project = await world.project();
  const { installations } = await world.sim("GET", "");
  const own = installations.find((one) => (one.account?.login ?? one.account) === project.login);
  await world.sim("DELETE", `/installations/${own.id}`);
  const person = await world.person();
  await person.open(project);
  await person.button("Connect to GitHub").click();
  await person.button(/^Authorize /).click();
  await person.see("One more step on GitHub");
  await world.sim("POST", "/installations", { account: project.login });
  await person.button("Refresh list").click();
  await person.page.getByLabel("Repository name").waitFor();
  await person.leave();
});

test("1 an existing repository can be chosen, found by typing", async () => {
  const project = await world.project({ "mine.md": "mine\n" });
  await world.sim("POST", "/repos", { name: `${project.login}/handbook`, files: [{ op: "put", path: "theirs.md", content: "theirs\n" }] });
  await world.sim("POST", "/repos", { name: `${project.login}/attic` });
  await world.sim("PATCH", `/repos/${project.login}/attic`, { archived: true });
  const person = await world.person();
  await authorize(person, project);
  await person.page.getByText("Use existing").click();
  await person.see("Archived");
  await person.page.getByRole("searchbox").fill("hand");
  await person.page.getByRole("radio", { name: /handbook/ }).check();
  await person.button("Connect repository").click();
  await person.page.getByRole("link", { name: `${project.login}/handbook` }).waitFor();
  project.repo = `${project.login}/handbook`;
  await project.inSync();
  assert.deepEqual(await project.github(), { "mine.md": "mine\n", "theirs.md": "theirs\n" });
  assert.equal(await project.file("theirs.md"), "theirs\n");
  await person.leave();
});
