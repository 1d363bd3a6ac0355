// Live: connections lost and found again, with and without events, and what pops up meanwhile.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fetching } from "../support/states.mjs";
import { World } from "../support/world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop());

test("a lost connection is told, and made up for when it is back", async () => {
  const project = await (await world.project()).connect();
  const person = await world.person();
  person.expect("net::ERR_INTERNET_DISCONNECTED");
  await person.open(project);
  await person.see("Everything is in sync");
  await person.context.setOffline(true);
  await person.see("You are offline");
  await project.settings({ auto_sync: false });
  await project.change({ "later.md": "later\n" });
  await person.context.setOffline(false);
  await person.see("1 change waiting");
  await person.gone("You are offline");
  await person.leave();
});

test("without events the panel asks by itself", async () => {
  const project = await (await world.project()).connect();
  await project.settings({ auto_sync: false });
  const person = await world.person();
  person.expect("net::ERR_FAILED");
  await person.page.route(/\/api\/events$/, (route) => route.abort());
  await person.open(project);
  await person.see("Live updates are interrupted");
  await project.change({ "index.md": "changed\n" });
  await person.see("1 change waiting");
  await person.leave();
});

test("a program that is started again is found again", async () => {
  const project = await (await world.project()).connect();
  await project.settings({ auto_sync: false });
  const person = await world.person();
  person.expect("net::ERR_CONNECTION_REFUSED", "net::ERR_INCOMPLETE_CHUNKED_ENCODING", "net::ERR_CONNECTION_RESET", "net::ERR_EMPTY_RESPONSE", 503);
  await person.open(project);
  await person.see("Everything is in sync");
  await world.program.stop();
  await person.see("Lockstep cannot be reached right now");
  await world.startProgram();
  await project.change({ "index.md": "changed\n" });
  await person.see("1 change waiting");
  await person.gone("Lockstep cannot be reached right now");
  await person.leave();
});

test("a long sync shows how far it is, while it runs, and ends", async () => {
  const project = await fetching(world);
  const person = await world.person();
  await person.open(project);
  const bar = person.page.getByRole("progressbar", { name: "Sync progress" });
  await person.see("140 of 240");
  assert.deepEqual(await bar.evaluate(({ value, max }) => [value, max]), [140, 240]);
  assert.ok(await person.button("Sync now").isDisabled());
  await person.see("Everything is in sync");
  await bar.waitFor({ state: "hidden" });
  assert.match(await project.file("pages/238.md"), /^page 238\n/);
  await person.leave();
});

test("what happens meanwhile pops up, and goes away by itself or when dismissed", async () => {
  const project = await (await world.project()).connect();
  const person = await world.person();
  await person.open(project);
  await person.see("Everything is in sync");
  await project.push({ "news.md": "news\n" });
  await person.see("1 file taken over from GitHub");
  const toasts = person.page.getByRole("region", { name: "Notifications" });
  await toasts.getByRole("button", { name: "Dismiss" }).click();
  await toasts.getByText("taken over").waitFor({ state: "hidden" });
  await world.sim("POST", `/repos/${project.repo}/protection`, { pattern: "main", protection: "pull_request" });
  await project.settings({ batch_seconds: 0 });
  await project.change({ "index.md": "refused\n" });
  await toasts.getByText("Sync failed").waitFor();
  await toasts.getByText("The branch is protected").or(toasts.getByText("Open a pull request")).first().waitFor();
  await person.leave();
});

test("a suspended App is told with what to do, and its end too", async () => {
  const project = await (await world.project()).connect();
  const { installations } = await world.sim("GET", "");
  const own = installations.find((one) => (one.account?.login ?? one.account) === project.login);
  const person = await world.person();
  await person.open(project);
  await person.see("Everything is in sync");
  await world.sim("POST", `/installations/${own.id}/suspend`, {});
  await person.see("The GitHub App is suspended");
  await person.see("Sync is paused");
  await person.button("Open the app on GitHub").waitFor();
  assert.ok(await person.button("Sync now").isDisabled());
  await world.sim("POST", `/installations/${own.id}/unsuspend`, {});
  await person.see("Everything is in sync");
  await person.leave();
});
