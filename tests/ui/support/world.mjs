// Everything a scenario needs, of its own: a database, a simulated GitHub, the program, a browser.
import { spawn } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSocket } from "node:net";
import pg from "pg";
import { chromium } from "playwright-core";
import { Person } from "./person.mjs";
import { eventually } from "./eventually.mjs";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const KEY = `ui-tests-${"k".repeat(32)}`;

function need(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run ./dev test`);
  return value;
}

async function freePort() {
  const socket = createSocket().listen(0, "127.0.0.1");
  await new Promise((done) => socket.once("listening", done));
  const { port } = socket.address();
  await new Promise((done) => socket.close(done));
  return port;
}

/** Starts a program; `line` answers its first line on stdout. */
function run(command, args, env) {
  const child = spawn(command, args, { env: { PATH: process.env.PATH, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const log = [];
  child.stderr.on("data", (data) => log.push(String(data)));
  const line = new Promise((done, failed) => {
    let text = "";
    child.stdout.on("data", (data) => {
      text += data;
      if (text.includes("\n")) done(text.split("\n")[0]);
    });
    child.once("exit", (code) => failed(new Error(`${command} ended with ${code}\n${log.join("")}`)));
  });
  line.catch(() => undefined);
  const stop = () => new Promise((done) => (child.exitCode !== null ? done() : (child.once("exit", done), child.kill("SIGTERM"))));
  return { child, log, line, stop };
}

export class World {
  static async start(options = {}) {
    const world = new World();
    await world.#makeDatabase();
    world.ports = { public: await freePort(), internal: await freePort() };
    world.url = `http://127.0.0.1:${world.ports.public}`;
    world.internal = `http://127.0.0.1:${world.ports.internal}`;
    await world.#startHost();
    await world.#startGithub(options);
    await world.startProgram(options);
    world.browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
    return world;
  }

  number = 0;
  /** Names for the next project, where pictures show them. */
  named;
  prefix = `ui-${randomUUID()}`;

  async #makeDatabase() {
    const url = new URL(need("LOCKSTEP_TEST_DATABASE_URL"));
    this.admin = new pg.Client({ connectionString: url.href });
    await this.admin.connect();
    this.database = `ui_${randomBytes(6).toString("hex")}`;
    await this.admin.query(`CREATE DATABASE ${this.database}`);
    url.pathname = `/${this.database}`;
    this.databaseUrl = url.href;
  }

  async query(sql, values = []) {
    const client = new pg.Client({ connectionString: this.databaseUrl });
    await client.connect();
    const { rows } = await client.query(sql, values);
    await client.end();
    return rows;
  }

  /** Another origin: the page of a host that embeds elements and frames the panel. */
  async #startHost() {
    this.pages = new Map();
    this.hostServer = createServer((request, response) => {
      const page = this.pages.get(request.url.split("?")[0]);
      response.writeHead(page ? 200 : 404, { "content-type": "text/html; charset=utf-8", ...page?.headers });
      response.end(page?.html);
    }).listen(0, "127.0.0.1");
    await new Promise((done) => this.hostServer.once("listening", done));
    this.host = `http://localhost:${this.hostServer.address().port}`;
  }

  /** The example of a host's page, for a project and a session; its address. */
  hostPage(project, session) {
    const read = (name) => readFileSync(new URL(`../../../fixtures/host/${name}`, import.meta.url), "utf8");
    const values = { project, session, lockstep: this.url };
    this.pages.set("/host", { html: read("index.html").replace(/\$(\w+)/g, (_, name) => values[name]) });
    this.pages.set("/host.css", { html: read("host.css"), headers: { "content-type": "text/css" } });
    return `${this.host}/host`;
  }

  async #startGithub({ withoutApp }) {
    const args = ["--webhook-url", `${this.url}/webhooks/github`, "--callback-url", `${this.url}/github/callback`, "--setup-url", `${this.url}/github/setup`];
    this.githubProgram = run(need("SIM_BIN"), withoutApp ? [...args, "--without-app"] : args, {});
    this.github = JSON.parse(await this.githubProgram.line);
  }

  async startProgram({ withoutApp } = {}) {
    const { github } = this;
    const app = withoutApp ? {} : {
      LOCKSTEP_GITHUB_APP_ID: String(github.app_id), LOCKSTEP_GITHUB_APP_SLUG: github.app_slug, LOCKSTEP_GITHUB_CLIENT_ID: github.client_id,
      LOCKSTEP_GITHUB_CLIENT_SECRET: github.client_secret, LOCKSTEP_GITHUB_WEBHOOK_SECRET: github.webhook_secret,
      LOCKSTEP_GITHUB_APP_PRIVATE_KEY: readFileSync(github.private_key_path, "utf8"),
    };
    this.program = run(need("LOCKSTEP_BIN"), ["serve"], {
      LOCKSTEP_DATABASE_URL: this.databaseUrl, LOCKSTEP_REDIS_URL: need("LOCKSTEP_TEST_REDIS_URL"), LOCKSTEP_REDIS_PREFIX: this.prefix,
      LOCKSTEP_LISTEN: `127.0.0.1:${this.ports.public}`, LOCKSTEP_INTERNAL_LISTEN: `127.0.0.1:${this.ports.internal}`, LOCKSTEP_PUBLIC_URL: this.url,
      LOCKSTEP_GITHUB_API_URL: github.url, LOCKSTEP_GITHUB_WEB_URL: github.url, LOCKSTEP_PANEL_ORIGINS: this.host, LOCKSTEP_API_KEYS: KEY,
      LOCKSTEP_ENCRYPTION_KEYS: Buffer.alloc(32, 7).toString("base64"), LOCKSTEP_RETRY_SECONDS: "0.2", LOCKSTEP_SWEEP_SECONDS: "1",
      LOCKSTEP_LOG: process.env.LOCKSTEP_LOG ?? "warn", ...app,
    });
    await eventually(async () => (await fetch(`${this.internal}/readyz`)).ok, "the program is ready");
  }

  /** Lets go of everything, whatever the scenarios left open or broken. */
  async stop() {
    await this.browser?.close();
    await Promise.all([this.program?.stop(), this.githubProgram?.stop()]);
    this.hostServer?.close();
    await this.admin?.query(`DROP DATABASE IF EXISTS ${this.database} WITH (FORCE)`);
    await this.admin?.end();
  }

  key = KEY;

  /** Calls the host API. */
  async api(method, path, body) {
    const headers = { authorization: `Bearer ${KEY}`, "content-type": "application/json" };
    const response = await fetch(`${this.internal}${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text && response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : text;
  }

  /** A verb of the simulator, see its documentation. */
  async sim(method, path, body) {
    const response = await fetch(`${this.github.url}/_sim${path}`, { method, headers: { "content-type": "application/json" }, body: body === undefined ? undefined : JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`sim ${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  /** A project of its own, and a GitHub user who owns what is made for it. */
  async project(files = { "index.md": "# Hello\n", "src/app.ts": "export {};\n" }) {
    this.number += 1;
    const { id, login } = this.named ?? { id: `site-${this.number}`, login: `user${this.number}` };
    const project = new Project(this, id, login);
    await this.sim("POST", "/users", { login: project.login });
    await this.sim("POST", "/default-user", { login: project.login });
    await this.sim("POST", "/installations", { account: project.login });
    if (Object.keys(files).length) await project.change(files);
    else await project.session("viewer");
    return project;
  }

  /** A person at a browser. */
  person(options = {}) {
    return Person.arrive(this, options);
  }
}

export class Project {
  constructor(world, id, login) {
    Object.assign(this, { world, id, login, path: `/v1/projects/${id}` });
  }

  /** `{path: text}`, null to delete, as the host would send it. */
  change(files, author = { id: "u_1", name: "Ada Lovelace", email: "ada@example.com" }) {
    const changes = Object.entries(files).map(([path, content]) => (content === null ? { op: "delete", path } : { op: "put", path, content }));
    return this.world.api("POST", `${this.path}/changes`, { event_id: randomUUID(), author, changes });
  }

  session(role = "owner", user = { id: "u_1", name: "Ada Lovelace" }) {
    return this.world.api("POST", `${this.path}/panel-sessions`, { user, role });
  }

  status = () => this.world.api("GET", `${this.path}/integration`);
  syncs = () => this.world.api("GET", `${this.path}/syncs`);
  settings = (changes) => this.world.api("PATCH", `${this.path}/settings`, changes);

  async file(path) {
    return this.world.api("GET", `${this.path}/files/${path}`);
  }

  /** Connected without the browser, and in step. */
  async connect(name = `${this.login}/${this.id}`, files) {
    const { world } = this;
    if (files) await world.sim("POST", "/repos", { name, files: Object.entries(files).map(([path, content]) => ({ op: "put", path, content })) });
    else await world.sim("POST", "/repos", { name });
    const { authorize_url } = await world.api("POST", `${this.path}/connect`, { user: "u_1" });
    await this.authorize(authorize_url);
    const { items } = await world.api("GET", `${this.path}/repositories?user=u_1`);
    const { installation_id } = items.find((item) => item.full_name === name);
    await world.api("PUT", `${this.path}/integration`, { user: "u_1", installation_id, repository: name });
    this.repo = name;
    await this.inSync();
    return this;
  }

  /** Walks the redirects of an authorization, saying yes. */
  async authorize(url) {
    const { world } = this;
    const start = await fetch(url, { redirect: "manual" });
    const cookie = start.headers.get("set-cookie").split(";")[0];
    const { location } = await world.sim("POST", "/authorize", { url: start.headers.get("location"), login: this.login });
    const back = await fetch(location, { redirect: "manual", headers: { cookie } });
    if (back.status >= 400) throw new Error(`callback: ${back.status} ${await back.text()}`);
  }

  inSync() {
    return eventually(async () => {
      const now = await this.status();
      return now.sync_status === "success" && now.pending_changes === 0;
    }, `${this.id} is in sync`);
  }

  becomes(check, what) {
    return eventually(async () => check(await this.status()), what);
  }

  github = () => this.world.sim("GET", `/repos/${this.repo}/files`);
  log = () => this.world.sim("GET", `/repos/${this.repo}/log`);
  push = (files, more = {}) => this.world.sim("POST", `/repos/${this.repo}/push`, {
    changes: Object.entries(files).map(([path, content]) => (content === null ? { op: "delete", path } : { op: "put", path, content })), ...more,
  });
}
