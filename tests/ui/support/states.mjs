// Every page in every state, and how to get there: looked at by shots.mjs, checked by accessibility.test.mjs.
import { eventually } from "./eventually.mjs";

const FILES = { "README.md": "# Site\n", "index.html": "<h1>Hello</h1>\n", "src/app.ts": "export const answer = 41;\n", "src/style.css": "body { margin: 0 }\n" };
const GRACE = { id: "u_2", name: "Grace Hopper", email: "grace@example.com" };

export async function connected(world, files = FILES) {
  return (await world.project(files)).connect();
}

/** With a history: a few commits of two people, one from GitHub. */
async function lived(world) {
  const project = await connected(world);
  await project.settings({ batch_seconds: 0 });
  await project.change({ "src/app.ts": "export const answer = 42;\n" });
  await project.inSync();
  await project.change({ "docs/guide.md": "# Guide\n\nStart here.\n", "docs/faq.md": "# Questions\n" }, GRACE);
  await project.inSync();
  await project.push({ "NEWS.md": "We are in step.\n" }, { message: "Write the news" });
  await eventually(() => project.file("NEWS.md"), "the news come in");
  await project.settings({ batch_seconds: 5 });
  return project;
}

export async function waiting(world) {
  const project = await lived(world);
  await project.settings({ auto_sync: false });
  await project.change({ "index.html": "<h1>Hello, world</h1>\n<p>Welcome.</p>\n", "src/menu.ts": "export const menu = [];\n", "src/style.css": null });
  return project;
}

export async function torn(world) {
  const project = await lived(world);
  await project.settings({ auto_sync: false });
  await project.change({ "index.html": "<h1>Welcome</h1>\n", "src/app.ts": "export const answer = 43;\nexport const mine = true;\n" });
  await project.push({ "index.html": "<h1>Good morning</h1>\n", "src/app.ts": "export const answer = 44;\n" });
  await world.api("POST", `${project.path}/syncs`, {});
  await project.becomes((now) => now.conflicts === 2, "both conflicts are known");
  return project;
}

/**
 * Somebody pushed 240 files. They are read a hundred at a time, and one of the first hundred (by id) is no text, which
 * takes a request of its own; GitHub is slow with that one, so that the sync stands at 140 for a while.
 */
export async function fetching(world) {
  const project = await lived(world);
  await world.sim("POST", "/faults", { fault: "delay", milliseconds: 12_000, filter: "GET /repos/{owner}/{repo}/git/blobs", count: 1 });
  const pages = Array.from({ length: 239 }, (_, at) => [`pages/${at}.md`, `page ${at}\n`]);
  await project.push({ "logo.bin": "logo\u000012", ...Object.fromEntries(pages) }, { message: "Add the pages" });
  return project;
}

/** GitHub took all but one file, in which it found a secret. */
export async function refused(world) {
  const project = await lived(world);
  await project.settings({ batch_seconds: 0 });
  await world.sim("POST", `/repos/${project.repo}/secrets`, { text: "hunter2" });
  await project.change({ "config.txt": "password = hunter2\n", "fine.txt": "fine\n" });
  await eventually(async () => (await project.github())["fine.txt"], "the other file is committed");
  await project.becomes((now) => now.sync_status !== "syncing", "the sync has ended");
  return project;
}

async function toForm(world, person) {
  const project = await world.project(FILES);
  await person.open(project);
  await person.button("Connect to GitHub").click();
  await person.button(/^Authorize /).click();
  await person.page.getByLabel("Repository name").waitFor();
  return project;
}

async function pulls(world) {
  const project = await waiting(world);
  const open = (title, body) => world.api("POST", `${project.path}/pull-requests`, { title, body });
  const first = await open("Greet the world", "Friendlier.");
  await world.sim("POST", `/repos/${project.repo}/pulls/${first.number}/merge`, {});
  await project.becomes((now) => now.pending_changes === 0, "both sides agree after the merge");
  await project.change({ "src/menu.ts": "export const menu = ['Home'];\n" });
  const second = await open("Add a menu with everything that people asked for");
  const [head] = await world.sim("GET", `/repos/${project.repo}/log?ref=${second.branch}`);
  await world.sim("POST", `/repos/${project.repo}/checks`, { sha: head.oid ?? head.sha, name: "build", result: "failure" });
  await project.change({ "index.html": "<h1>Hi</h1>\n" });
  await eventually(async () => (await world.api("GET", `${project.path}/pull-requests`)).items[0].checks === "failure", "the checks are known");
  return project;
}

async function installation(world, { login }) {
  const { installations } = await world.sim("GET", "");
  return installations.find((one) => (one.account?.login ?? one.account) === login).id;
}

async function operator(world, person, tab) {
  await person.page.goto(`${world.internal}/console`);
  await person.page.getByLabel("Admin key").fill(world.key);
  await person.button("Sign in").click();
  await person.see("PostgreSQL: ok");
  if (tab) await person.tab(tab).click();
}

async function burials(world) {
  for (const [kind, project, code, detail] of [["sync", "site-1", "internal", "The sync failed 12 times."], ["notification", "site-2", "unavailable", "The host answered 500."]]) {
    const error = { code, title: "Something went wrong", detail, action: "Try again." };
    await world.query("INSERT INTO dead_letters (id, kind, project, attempts, error, payload) VALUES (gen_random_uuid(), $3, $1, 12, $2, '{}')", [project, error, kind]);
  }
}

/** `expect`: statuses of answers that belong to the state. */
export const states = [
  { name: "connect-empty", reach: async (world, person) => { await person.open(await world.project(FILES)); await person.see("Keep this project in step"); } },
  { name: "connect-loading", reach: async (world, person) => {
    await person.page.route(/\/api\/integration$/, () => undefined);
    await person.open(await world.project(FILES));
    await person.page.locator(".skeleton").first().waitFor();
  } },
  { name: "connect-waiting", reach: async (world, person) => {
    const project = await world.project(FILES);
    const { token } = await project.session("owner");
    await person.page.goto(world.hostPage(project.id, token));
    const opened = person.context.waitForEvent("page");
    await person.button("Connect to GitHub").click();
    await opened;
    await person.see("Continue on GitHub");
  } },
  { name: "connect-denied", reach: async (world, person) => {
    await person.open(await world.project(FILES));
    await person.button("Connect to GitHub").click();
    await person.button("Cancel").click();
    await person.see("You did not authorize");
  } },
  { name: "connect-form", reach: toForm },
  { name: "connect-form-error", reach: async (world, person) => { await toForm(world, person); await person.page.getByLabel("Repository name").fill("what?"); await person.see("Use only letters"); } },
  { name: "connect-form-failed", expect: [503], reach: async (world, person) => {
    await toForm(world, person);
    await world.sim("POST", "/faults", { fault: "status", status: 502, filter: "POST /user/repos", count: 20 });
    await person.button("Create repository").click();
    await person.page.getByRole("alert").waitFor();
    await world.sim("DELETE", "/faults");
  } },
  { name: "connect-form-busy", reach: async (world, person) => {
    await person.page.route(/\/api\/repository$/, () => undefined);
    await toForm(world, person);
    await person.button("Create repository").click();
    await person.see("Creating on GitHub");
  } },
  { name: "connect-existing", reach: async (world, person) => {
    const project = await world.project(FILES);
    for (const name of ["handbook", "website", "attic"]) await world.sim("POST", "/repos", { name: `${project.login}/${name}` });
    await world.sim("PATCH", `/repos/${project.login}/attic`, { archived: true });
    await person.open(project);
    await person.button("Connect to GitHub").click();
    await person.button(/^Authorize /).click();
    await person.page.getByText("Use existing").click();
    await person.see("Archived");
    await person.page.getByRole("radio", { name: /handbook/ }).check();
  } },
  { name: "connect-install", reach: async (world, person) => {
    const project = await world.project(FILES);
    await world.sim("DELETE", `/installations/${await installation(world, project)}`);
    await person.open(project);
    await person.button("Connect to GitHub").click();
    await person.button(/^Authorize /).click();
    await person.see("One more step on GitHub");
  } },
  { name: "connect-not-owner", reach: async (world, person) => { await person.open(await world.project(FILES), { role: "viewer" }); await person.see("An owner of the project"); } },
  { name: "overview-in-sync", reach: async (world, person) => { await person.open(await lived(world)); await person.see("Everything is in sync"); await person.see("Write the news"); } },
  { name: "overview-waiting", reach: async (world, person) => { await person.open(await waiting(world)); await person.see("3 changes waiting"); } },
  { name: "overview-patch", reach: async (world, person) => {
    await person.open(await waiting(world));
    await person.button(/^Changed index\.html/).click();
    await person.page.locator("tr.added").first().waitFor();
  } },
  { name: "overview-busy", reach: async (world, person) => { await person.open(await fetching(world)); await person.see("140 of 240"); } },
  { name: "overview-held", reach: async (world, person) => { await person.open(await refused(world)); await person.see("Held back"); } },
  { name: "overview-conflict", reach: async (world, person) => { await person.open(await torn(world)); await person.see("2 files changed on both sides"); await person.see("Good morning"); } },
  { name: "overview-conflict-merge", reach: async (world, person) => { await person.open(await torn(world)); await person.button("Merge by hand").first().click(); await person.see("There are still conflict marks"); } },
  { name: "overview-conflict-question", reach: async (world, person) => {
    await person.open(await torn(world));
    await person.page.getByLabel("Resolve all at once").selectOption("pull_request");
    await person.see("Open a pull request with the project’s versions?");
  } },
  { name: "overview-error", reach: async (world, person) => {
    const project = await lived(world);
    await world.sim("POST", `/repos/${project.repo}/protection`, { pattern: "main", protection: "pull_request" });
    await project.change({ "index.html": "<h1>Refused</h1>\n" });
    await project.becomes((now) => now.error?.code === "branch_protected", "the push is refused");
    await person.open(project);
    await person.see("The branch is protected");
  } },
  { name: "overview-broken", reach: async (world, person) => {
    const project = await lived(world);
    await world.sim("DELETE", `/repos/${project.repo}`);
    await project.becomes((now) => now.state === "broken", "the repository is missed");
    await person.open(project);
    await person.see("Needs attention");
  } },
  { name: "overview-suspended", reach: async (world, person) => {
    const project = await lived(world);
    await world.sim("POST", `/installations/${await installation(world, project)}/suspend`, {});
    await project.becomes((now) => now.state === "suspended", "the suspension is known");
    await person.open(project);
    await person.see("The GitHub App is suspended");
  } },
  { name: "overview-limited", reach: async (world, person) => {
    const project = await lived(world);
    await project.settings({ batch_seconds: 0 });
    await world.sim("POST", "/pause", { style: "secondary", seconds: 600 });
    await project.change({ "index.html": "<h1>Later</h1>\n" });
    await project.becomes((now) => now.error?.code === "rate_limited", "the limit is known");
    await world.sim("POST", "/pause", { style: "secondary", seconds: 0 });
    await person.open(project);
    await person.see("Retrying");
  } },
  { name: "overview-review", reach: async (world, person) => {
    const project = await waiting(world);
    await world.api("POST", `${project.path}/pull-requests`, { title: "Greet the world" });
    await person.open(project);
    await person.see("3 in review");
    await person.see("3 changes in review");
  } },
  { name: "overview-toasts", reach: async (world, person) => {
    const project = await lived(world);
    await project.settings({ batch_seconds: 0 });
    await person.open(project);
    await person.see("Everything is in sync");
    await project.push({ "NEWS.md": "There is more.\n" });
    await person.see("1 file taken over from GitHub");
    await project.settings({ auto_sync: false });
    await project.change({ "index.html": "<h1>Hi</h1>\n" });
    await world.api("POST", `${project.path}/pull-requests`, { title: "Greet the world" });
    await person.see("Pull request #1 opened");
    await world.sim("DELETE", `/repos/${project.repo}`);
    await person.see("The connection needs attention");
  } },
  { name: "overview-confirm", reach: async (world, person) => {
    const files = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`page-${at}.md`, `${at}\n`]));
    const project = await connected(world, files);
    await project.change(Object.fromEntries(Object.keys(files).slice(0, 30).map((path) => [path, null])));
    await project.becomes((now) => now.error?.code === "confirmation_required", "the sync waits");
    await person.open(project);
    await person.see("This sync would delete many files");
  } },
  { name: "overview-offline", expect: ["net::ERR_INTERNET_DISCONNECTED"], reach: async (world, person) => {
    await person.open(await lived(world));
    await person.see("Write the news");
    await person.context.setOffline(true);
    await person.see("You are offline");
  } },
  { name: "overview-viewer", reach: async (world, person) => { await person.open(await waiting(world), { role: "viewer" }); await person.see("3 changes waiting"); } },
  { name: "history", reach: async (world, person) => { await person.open(await lived(world), { tab: "history" }); await person.see("Write the news"); } },
  { name: "history-entry", reach: async (world, person) => {
    await person.open(await lived(world), { tab: "history" });
    await person.button("Details of Update src/app.ts").click();
    await person.button("View changes").click();
    await person.page.locator("tr.added").first().waitFor();
  } },
  { name: "history-failed", reach: async (world, person) => {
    const project = await connected(world);
    await world.sim("POST", `/repos/${project.repo}/protection`, { pattern: "main", protection: "pull_request" });
    await project.change({ "index.html": "<h1>Refused</h1>\n" });
    await project.becomes((now) => now.error?.code === "branch_protected", "the push is refused");
    await person.open(project, { tab: "history" });
    await person.page.locator(".what").first().click();
    await person.page.getByRole("alert").first().waitFor();
  } },
  { name: "history-empty", reach: async (world, person) => { await person.open(await world.project(FILES), { tab: "history" }); await person.see("No syncs yet"); } },
  { name: "history-restore", reach: async (world, person) => {
    await person.open(await lived(world), { tab: "history" });
    await person.button("Details of Update src/app.ts").click();
    await person.button("Restore this version").click();
    await person.see("Restore this version?");
  } },
  { name: "pulls", reach: async (world, person) => { await person.open(await pulls(world), { tab: "pulls" }); await person.see("Checks failed"); } },
  { name: "pulls-empty", reach: async (world, person) => { await person.open(await lived(world), { tab: "pulls" }); await person.see("No pull requests yet"); } },
  { name: "pulls-form", reach: async (world, person) => { await person.open(await waiting(world)); await person.button("Create pull request").click(); await person.see("asks for review"); } },
  { name: "pulls-form-error", reach: async (world, person) => {
    await person.open(await waiting(world));
    await person.button("Create pull request").click();
    await person.dialog.getByRole("button", { name: "Create pull request" }).click();
    await person.see("Give the pull request a title");
  } },
  { name: "settings", reach: async (world, person) => { await person.open(await waiting(world), { tab: "settings" }); await person.see("Preview"); await person.page.locator("lockstep-exclude-patterns .preview").waitFor(); } },
  { name: "settings-draft", expect: [422], reach: async (world, person) => {
    await person.open(await waiting(world), { tab: "settings" });
    await person.page.getByRole("textbox", { name: "Commit message" }).fill("{% if %}");
    await person.page.locator("#template-error").waitFor();
    await person.button("Images").click();
    await person.see("Would exclude");
  } },
  { name: "settings-disconnect", reach: async (world, person) => { await person.open(await lived(world), { tab: "settings" }); await person.button("Disconnect…").click(); await person.see("What stays"); } },
  { name: "session-ended", expect: [401], reach: async (world, person) => {
    const project = await lived(world);
    await person.open(project);
    await person.see("Everything is in sync");
    await world.query("UPDATE panel_sessions SET expires_at = now() - interval '1 second' WHERE pid = (SELECT pid FROM projects WHERE id = $1)", [project.id]);
    await person.see("Your session has ended");
  } },
  { name: "session-none", reach: async (world, person) => { await person.page.goto(`${world.url}/panel/site`); await person.see("This page needs a session"); } },
  { name: "host-page", reach: async (world, person) => {
    const project = await waiting(world);
    const { token } = await project.session("owner");
    await person.page.goto(world.hostPage(project.id, token));
    await person.see("3 changes waiting");
  } },
  { name: "callback-stranger", expect: [400], reach: async (world, person) => { await person.page.goto(`${world.url}/github/callback?state=unknown`); await person.see("This link cannot be used"); } },
  { name: "callback-installed", reach: async (world, person) => { await person.page.goto(`${world.url}/github/setup?installation_id=1`); await person.see("Back from GitHub"); } },
  { name: "not-found", expect: [404], reach: async (world, person) => { await person.page.goto(`${world.url}/nowhere`); await person.see("Not found"); } },
  { name: "api-docs", reach: async (world, person) => { await person.page.goto(`${world.internal}/docs`); await person.page.locator("main").waitFor(); } },
  { name: "console-sign-in", reach: async (world, person) => { await person.page.goto(`${world.internal}/console`); await person.page.getByLabel("Admin key").fill("wrong"); await person.button("Sign in").click(); await person.see("not a valid admin key"); } },
  { name: "console-overview", reach: async (world, person) => { await lived(world); await operator(world, person); await person.see("Connected projects"); } },
  { name: "console-dead-letters", reach: async (world, person) => { await burials(world); await operator(world, person, /^Dead letters/); await person.see("The host answered 500."); } },
  { name: "console-audit", reach: async (world, person) => { await operator(world, person, "Audit"); await person.page.locator("lockstep-audit tbody tr").first().waitFor(); } },
  { name: "setup", withoutApp: true, reach: async (world, person) => {
    const [, address] = await eventually(() => world.program.log.join("").match(/setup: (\S+)/), "the setup link is printed");
    await person.page.goto(address);
    await person.see("Set up Lockstep");
  } },
  { name: "setup-organization", withoutApp: true, reach: async (world, person) => {
    const [, address] = await eventually(() => world.program.log.join("").match(/setup: (\S+)/), "the setup link is printed");
    await person.page.goto(address);
    await person.page.locator("summary").click();
  } },
  { name: "setup-refused", withoutApp: true, expect: [403], reach: async (world, person) => { await person.page.goto(`${world.url}/setup?token=wrong`); await person.see("Not allowed"); } },
  { name: "setup-done", withoutApp: true, reach: async (world, person) => {
    const [, address] = await eventually(() => world.program.log.join("").match(/setup: (\S+)/), "the setup link is printed");
    await world.sim("POST", "/users", { login: "operator" });
    await world.sim("POST", "/default-user", { login: "operator" });
    await person.page.goto(address);
    await person.button("Make the GitHub App").click();
    await person.page.locator("button.primary").click();
    await person.see("The GitHub App is ready");
  } },
  { name: "setup-console-empty", withoutApp: true, reach: async (world, person) => { await operator(world, person); await person.see("No installation is in use yet"); } },
];
