// For operators: the first run, and the console.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../support/eventually.mjs";
import { World } from "../support/world.mjs";

let world;
before(async () => (world = await World.start({ withoutApp: true })));
after(() => world.stop());

test("the first run: one click makes the GitHub App", async () => {
  const [, setup] = await eventually(() => world.program.log.join("").match(/setup: (\S+)/), "the setup link is printed");
  await world.sim("POST", "/users", { login: "operator" });
  await world.sim("POST", "/default-user", { login: "operator" });
  const person = await world.person();
  await person.page.goto(setup);
  await person.see("Set up Lockstep");
  await person.page.locator("summary").click();
  await person.accessible("the setup page for an organization");
  await person.button("Make the GitHub App").click();
  await person.page.locator("button.primary").click();
  await person.see("The GitHub App is ready");
  assert.equal((await fetch(setup)).status, 404);
  await person.leave();
});

test("the console asks for a key, shows how things stand, and lets go", async () => {
  const project = await (await world.project()).connect();
  await world.sim("POST", "/faults", { fault: "status", status: 502, filter: "POST /graphql", count: 1 });
  await project.change({ "index.md": "two\n" });
  await project.inSync();
  const person = await world.person({ width: 1280 });
  await person.page.goto(`${world.internal}/console`);
  await person.page.getByLabel("Admin key").fill("wrong");
  await person.button("Sign in").click();
  await person.see("This is not a valid admin key");
  await person.page.getByLabel("Admin key").fill(world.key);
  await person.button("Sign in").click();
  await person.see("PostgreSQL: ok");
  await person.see(/GitHub’s last error: graphql .*: status 502/);
  await person.see("Connected projects");
  await person.see(project.login);
  await world.sim("DELETE", `/repos/${project.repo}`);
  await person.see("repository_gone");
  await person.see("The repository was deleted");
  const [cookie] = await person.context.cookies();
  assert.ok(cookie.httpOnly && cookie.sameSite === "Strict");
  await person.tab("Audit").click();
  await person.page.getByRole("textbox", { name: "Project" }).fill(project.id);
  await person.page.getByLabel("Action").selectOption("integration.connected");
  await person.button("Search").click();
  await eventually(async () => (await person.page.locator("lockstep-audit tbody tr").count()) === 1, "one row is found");
  await person.button("Sign out").click();
  await person.page.getByLabel("Admin key").waitFor();
  await person.leave();
});

test("dead letters can be retried and deleted", async () => {
  for (const project of ["one", "two"]) {
    const error = { code: "internal", detail: `It broke for ${project}.`, action: "Try again." };
    await world.query("INSERT INTO dead_letters (id, kind, project, attempts, error, payload) VALUES (gen_random_uuid(), 'sync', $1, 12, $2, '{}')", [project, error]);
  }
  const person = await world.person();
  await person.page.goto(`${world.internal}/console`);
  await person.page.getByLabel("Admin key").fill(world.key);
  await person.button("Sign in").click();
  await person.tab(/^Dead letters/).click();
  await person.see("It broke for one.");
  await person.page.getByRole("row", { name: /It broke for one/ }).getByRole("button", { name: "Delete" }).click();
  await person.accessible("the question before deleting");
  await person.dialog.getByRole("button", { name: "Delete" }).click();
  await person.gone("It broke for one.");
  const rows = await world.query("SELECT project FROM dead_letters");
  assert.deepEqual(rows, [{ project: "two" }]);
  await person.leave();
});
