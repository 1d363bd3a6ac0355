// Webhooks as they arrive, in GitHub's shapes.

import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { webhook } from "../lib/openapi.mjs";

const HEADERS = [
  "x-github-event",
  "x-github-delivery",
  "x-github-hook-id",
  "x-github-hook-installation-target-id",
  "x-github-hook-installation-target-type",
  "x-hub-signature-256",
];

// Makes everything happen that is told.
async function happen(sim) {
  const scene = await sim.scene();
  const site = "/repos/acme/site";
  await sim.verb("POST", `${site}/branches`, { name: "topic" });
  const { oid } = await sim.verb("POST", `${site}/push`, {
    branch: "topic",
    changes: [{ op: "put", path: "a", content: "a\n" }],
  });
  await sim.verb("POST", `${site}/pulls`, { title: "T", head: "topic", by: "bob" });
  for (const verb of ["draft", "ready", "close", "reopen"]) {
    await sim.verb("POST", `${site}/pulls/1/${verb}`, {});
  }
  await sim.verb("POST", `${site}/push`, {
    branch: "topic",
    changes: [{ op: "put", path: "b", content: "b\n" }],
  });
  await sim.verb("POST", `${site}/pulls/1/review`, { by: "alice", verdict: "approve" });
  await sim.verb("POST", `${site}/checks`, { sha: oid, name: "ci", result: "in_progress" });
  await sim.verb("POST", `${site}/checks`, { sha: oid, name: "ci", result: "success" });
  await sim.verb("POST", `${site}/statuses`, { sha: oid, context: "x", state: "success" });
  await sim.verb("POST", `${site}/pulls/1/merge`, {});
  await sim.verb("DELETE", `${site}/branches/topic`);
  await sim.verb("POST", "/orgs", { login: "other", members: { dora: "admin" } });
  await sim.verb("POST", "/installations", { account: "other" });
  await sim.verb("PATCH", site, { name: "web" });
  await sim.verb("PATCH", "/repos/acme/web", { archived: true });
  await sim.verb("PATCH", "/repos/acme/web", { archived: false });
  await sim.verb("PATCH", "/repos/acme/web", { private: false });
  await sim.verb("PATCH", "/repos/acme/web", { private: true });
  await sim.verb("PATCH", "/repos/acme/web", { owner: "other" });
  await sim.verb("POST", "/repos", { name: "acme/one" });
  const id = scene.installation.id;
  await sim.verb("POST", `/installations/${id}/repositories`, { remove: "acme/one" });
  await sim.verb("POST", `/installations/${id}/repositories`, { add: "acme/one" });
  await sim.verb("POST", `/installations/${id}/permissions`, { name: "workflows", level: "none" });
  await sim.verb("POST", `/installations/${id}/suspend`);
  await sim.verb("POST", `/installations/${id}/unsuspend`);
  await sim.verb("POST", "/tokens/revoke", { login: "alice" });
  await sim.verb("DELETE", "/repos/acme/one");
  await sim.verb("DELETE", `/installations/${id}`);
  await sim.verb("POST", "/idle");
}

const EXPECTED = `check_run.completed check_run.created check_suite.completed check_suite.requested
  create delete github_app_authorization.revoked installation.created installation.deleted
  installation.new_permissions_accepted installation.suspend installation.unsuspend
  installation_repositories.added installation_repositories.removed pull_request.closed
  pull_request.converted_to_draft pull_request.opened pull_request.ready_for_review
  pull_request.reopened pull_request.synchronize pull_request_review.submitted push
  repository.archived repository.created repository.deleted repository.privatized
  repository.publicized repository.renamed repository.transferred repository.unarchived
  status`;

export async function run(sim, report) {
  const received = [];
  const server = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      received.push({ headers: request.headers, body: Buffer.concat(parts) });
      response.writeHead(202).end();
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  await sim.verb("POST", "/hook", { url: `http://127.0.0.1:${server.address().port}/hook` });
  await happen(sim);
  const seen = new Set();
  for (const { headers, body } of received) {
    const event = headers["x-github-event"];
    const payload = JSON.parse(body);
    const name = payload.action ? `${event}.${payload.action}` : event;
    seen.add(name);
    await report.check(`webhook ${name}`, () => {
      const missing = HEADERS.filter((header) => !headers[header]);
      if (missing.length) throw new Error(`without ${missing}`);
      const own = createHmac("sha256", sim.webhook_secret).update(body).digest("hex");
      if (headers["x-hub-signature-256"] !== `sha256=${own}`) throw new Error("wrongly signed");
      webhook(event, payload);
    });
  }
  for (const name of EXPECTED.split(/\s+/)) {
    await report.check(`webhook ${name} came`, () => {
      if (!seen.has(name)) throw new Error("it did not come");
    });
  }
  server.close();
}
