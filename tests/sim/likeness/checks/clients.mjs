// Clients nobody here wrote: Octokit with its throttling, and PyGithub.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Octokit } from "@octokit/rest";
import { throttling } from "@octokit/plugin-throttling";

const Throttled = Octokit.plugin(throttling);

function equal(own, wanted) {
  if (own !== wanted) throw new Error(`${JSON.stringify(own)}, not ${JSON.stringify(wanted)}`);
}

async function octokit(sim, report, scene) {
  const retried = [];
  const limit = (seconds, options) => {
    retried.push([seconds, options.url]);
    return true;
  };
  const client = new Throttled({
    baseUrl: sim.url,
    auth: scene.token,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    throttle: { onRateLimit: limit, onSecondaryRateLimit: limit },
  });
  const site = { owner: "acme", repo: "site" };
  await report.check("octokit commits through Git data", async () => {
    const { data: ref } = await client.rest.git.getRef({ ...site, ref: "heads/main" });
    const { data: commit } = await client.rest.git.getCommit({ ...site, commit_sha: ref.object.sha });
    const { data: tree } = await client.rest.git.createTree({
      ...site,
      base_tree: commit.tree.sha,
      tree: [{ path: "octokit.txt", mode: "100644", type: "blob", content: "hi\n" }],
    });
    const { data: made } = await client.rest.git.createCommit({
      ...site,
      message: "By octokit",
      tree: tree.sha,
      parents: [ref.object.sha],
    });
    equal(made.verification.verified, true);
    await client.rest.git.updateRef({ ...site, ref: "heads/main", sha: made.sha });
    const { data: file } = await client.rest.repos.getContent({ ...site, path: "octokit.txt" });
    equal(Buffer.from(file.content, "base64").toString(), "hi\n");
  });
  await report.check("octokit follows pages and redirects", async () => {
    for (let n = 0; n < 5; n += 1) {
      await sim.verb("POST", "/repos/acme/site/branches", { name: `b${n}` });
    }
    const all = await client.paginate(client.rest.repos.listBranches, { ...site, per_page: 2 });
    equal(all.length, 6);
    await sim.verb("PATCH", "/repos/acme/site", { name: "web" });
    const { data } = await client.rest.repos.get(site);
    equal(data.full_name, "acme/web");
    await sim.verb("PATCH", "/repos/acme/web", { name: "site" });
  });
  await report.check("octokit understands GraphQL and its errors", async () => {
    const query = "query($n: String!) { repository(owner: \"acme\", name: $n) { nameWithOwner } }";
    const found = await client.graphql(query, { n: "site" });
    equal(found.repository.nameWithOwner, "acme/site");
    const error = await client.graphql(query, { n: "nowhere" }).catch((it) => it);
    equal(error.name, "GraphqlResponseError");
    equal(error.errors[0].type, "NOT_FOUND");
  });
  await report.check("octokit waits as limits ask it to", async () => {
    await sim.verb("POST", "/pause", { style: "secondary", seconds: 1 });
    await client.rest.repos.get(site);
    equal(retried.length, 1);
    equal(retried[0][0], 1);
  });
  await report.check("octokit pages through an App's deliveries", async () => {
    const app = new Octokit({ baseUrl: sim.url, auth: sim.jwt() });
    await sim.verb("POST", "/hook", { url: "http://127.0.0.1:9/nobody" });
    for (let n = 0; n < 3; n += 1) {
      const changes = [{ op: "put", path: "n", content: String(n) }];
      await sim.verb("POST", "/repos/acme/site/push", { changes });
    }
    await sim.verb("POST", "/idle");
    const all = await app.paginate(app.rest.apps.listWebhookDeliveries, { per_page: 2, status: "failure" });
    equal(all.length, 3);
  });
}

function pygithub(sim, scene) {
  const python = fileURLToPath(new URL("../.venv/bin/python", import.meta.url));
  const script = fileURLToPath(new URL("./pygithub.py", import.meta.url));
  const environment = {
    ...process.env,
    SIM_URL: sim.url,
    SIM_APP_ID: String(sim.app_id),
    SIM_KEY: sim.key,
    SIM_INSTALLATION: String(scene.installation.id),
    SIM_USER_TOKEN: scene.user,
  };
  const done = spawnSync(python, [script], { env: environment, encoding: "utf8" });
  if (done.status !== 0) throw new Error(`${done.stdout}${done.stderr}`);
}

export async function run(sim, report) {
  const scene = await sim.scene();
  await octokit(sim, report, scene);
  await report.check("PyGithub goes through its story", () => pygithub(sim, scene));
}
