// 6: disconnecting.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../support/eventually.mjs";
import { World } from "../support/world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop());

test("6.1 to 6.4 disconnecting", async (t) => {
  const project = await (await world.project()).connect();
  const other = await (await world.project()).connect();
  await project.settings({ batch_seconds: 0 });
  await other.settings({ batch_seconds: 0 });
  const before = await project.log();
  const person = await world.person();
  await person.open(project, { tab: "settings" });
  await t.test("6.1 a warning says what stays and what goes, and can be canceled", async () => {
    await person.button("Disconnect…").click();
    await person.see(`Disconnect from ${project.repo}?`);
    await person.see("What stays");
    await person.see("What goes");
    await person.button("Cancel").click();
    assert.equal((await project.status()).state, "connected");
  });
  await person.button("Disconnect…").click();
  await person.dialog.getByRole("button", { name: "Disconnect", exact: true }).click();
  await person.see("Keep this project in step with GitHub");
  assert.equal((await project.status()).state, "disconnected");
  await t.test("6.2 stored credentials are removed", async () => {
    const rows = await world.query("SELECT count(*)::int AS n FROM authorizations JOIN projects USING (pid) WHERE id = $1", [project.id]);
    assert.equal(rows[0].n, 0);
  });
  await t.test("6.3 all automatic sync stops", async () => {
    await project.change({ "index.md": "later\n" });
    // Another project's change afterwards is committed, and what only the sweep can find is found: either would have met this one.
    await other.change({ "index.md": "later\n" });
    await eventually(async () => (await other.github())["index.md"] === "later\n", "the other project's change is committed");
    const of = "pid = (SELECT pid FROM projects WHERE id = $1)";
    await other.inSync();
    await world.query(`UPDATE integrations SET due_at = now(), remote_due = true WHERE ${of}`, [other.id]);
    await eventually(async () => (await world.query(`SELECT due_at FROM integrations WHERE ${of}`, [other.id]))[0].due_at === null, "a sweep has been by");
    assert.deepEqual(await project.log(), before);
    assert.equal((await project.syncs()).items.filter((sync) => sync.finished_at === null).length, 0);
    assert.equal((await project.status()).sync_status, "idle");
  });
  await t.test("6.4 the repository stays as it is", async () => assert.deepEqual(await project.log(), before));
  await person.leave();
});

test("6.5 connecting again works, to the same repository and to another", async () => {
  const project = await (await world.project()).connect();
  await world.api("DELETE", `${project.path}/integration`);
  await project.change({ "index.md": "meanwhile\n" });
  const person = await world.person();
  await person.open(project);
  for (const name of [project.id, "another"]) {
    await person.button("Connect to GitHub").click();
    const allow = person.button(/^Authorize /);
    await allow.or(person.page.getByText("Use existing")).first().waitFor();
    if (await allow.isVisible()) await allow.click();
    if (name === "another") {
      await person.page.getByLabel("Repository name").fill(name);
      await person.button("Create repository").click();
    } else {
      await person.page.getByText("Use existing").click();
      await person.page.getByRole("radio", { name: new RegExp(name) }).check();
      await person.button("Connect repository").click();
    }
    await person.page.getByRole("link", { name: `${project.login}/${name}` }).waitFor();
    await project.becomes((now) => now.sync_status === "success" || now.sync_status === "conflict", "the first sync");
    if (name !== "another") await world.api("DELETE", `${project.path}/integration`);
    if (name !== "another") await person.see("Keep this project in step with GitHub");
  }
  await person.leave();
});
