// The keyboard alone reaches and does everything, and focus is never lost on the way.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../support/eventually.mjs";
import { torn } from "../support/states.mjs";
import { World } from "../support/world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop());

/** What has the focus, by the name that is read out. */
function focused(page) {
  return page.evaluate(() => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    if (element === document.body) return "";
    return element?.textContent.trim() || element?.getAttribute("aria-label") || element?.id || "";
  });
}

async function reach(page, name, key = "Tab") {
  const passed = [];
  for (let steps = 0; steps < 60; steps++) {
    const now = await focused(page);
    if (now.startsWith(name)) return;
    passed.push(now.slice(0, 30));
    await page.keyboard.press(key);
  }
  assert.fail(`${name} cannot be reached; passed: ${passed.join(" | ")}`);
}

async function press(page, name) {
  await reach(page, name);
  await page.keyboard.press("Enter");
}

test("from nothing to a connected project", async () => {
  const project = await world.project();
  const person = await world.person();
  const { page } = person;
  await person.open(project);
  await person.button("Connect to GitHub").waitFor();
  await press(page, "Connect to GitHub");
  await person.button(/^Authorize /).waitFor();
  await press(page, "Authorize");
  await page.getByLabel("Repository name").waitFor();
  await reach(page, "name");
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("by-keyboard");
  await press(page, "Create repository");
  await person.see("Everything is in sync");
  assert.equal((await project.status()).repository.full_name, `${project.login}/by-keyboard`);
  await person.leave();
});

test("tabs, dialogs and syncing", async () => {
  const project = await (await world.project()).connect();
  await project.settings({ auto_sync: false });
  await project.change({ "index.md": "waiting\n" });
  const person = await world.person();
  const { page } = person;
  await person.open(project);
  await person.see("1 change waiting");
  await reach(page, "Overview");
  await page.keyboard.press("ArrowRight");
  await eventually(async () => (await focused(page)) === "History", "the arrow leads to the next tab");
  await page.keyboard.press("Home");
  await press(page, "Create pull request");
  await page.getByRole("dialog").waitFor();
  assert.equal(await focused(page), "pr-title", "a dialog begins at its first field");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  assert.match(await focused(page), /^Create pull request/, "the focus is back where it was");
  await press(page, "Sync now");
  await person.see("Everything is in sync");
  await person.leave();
});

test("a conflict", async () => {
  const project = await torn(world);
  const person = await world.person();
  const { page } = person;
  await person.open(project);
  await person.see("2 files changed on both sides");
  await press(page, "Keep project’s");
  await press(page, "Take GitHub’s");
  await press(page, "Resolve 2 files");
  await person.see("Everything is in sync");
  assert.equal(await project.file("index.html"), "<h1>Welcome</h1>\n");
  assert.equal(await project.file("src/app.ts"), "export const answer = 44;\n");
  await person.leave();
});
