// Answers of the REST API, in GitHub's shapes.

import { answer } from "../lib/openapi.mjs";

export async function run(sim, report) {
  const scene = await sim.scene();
  const { head, installation } = scene;
  const basic = Buffer.from(`${sim.client_id}:${sim.client_secret}`).toString("base64");
  const as = {
    app: () => `Bearer ${sim.jwt()}`,
    bot: () => `Bearer ${scene.token}`,
    alice: () => `Bearer ${scene.user}`,
    client: () => `Basic ${basic}`,
    nobody: () => undefined,
  };

  // Asks, holds the answer against its description, and answers the body.
  async function ask(who, operation, values = {}, { body, status = 200, query = "" } = {}) {
    const [method, template] = operation.split(" ");
    const path = template.replace(/\{(\w+)\}/g, (_, name) => encodeURI(values[name]));
    const headers = { accept: "application/vnd.github+json" };
    if (as[who]()) headers.authorization = as[who]();
    let said;
    await report.check(`${operation} → ${status}`, async () => {
      const response = await fetch(sim.url + path + query, {
        method,
        headers,
        body: body && JSON.stringify(body),
      });
      const text = await response.text();
      said = text ? JSON.parse(text) : undefined;
      if (response.status !== status) throw new Error(`${response.status} ${text}`);
      answer(operation, String(status), said);
    });
    return said;
  }

  const site = { owner: "acme", repo: "site" };
  const repo = (tail, values) => [`/repos/{owner}/{repo}${tail}`, { ...site, ...values }];
  const get = (who, [path, values], more) => ask(who, `GET ${path}`, values, more);
  const post = (who, [path, values], body, status = 201) =>
    ask(who, `POST ${path}`, values, { body, status });

  await ask("app", "GET /app");
  await ask("app", "GET /app/installations");
  const id = { installation_id: installation.id };
  await ask("app", "GET /app/installations/{installation_id}", id);
  await ask("app", "GET /app/installations/{installation_id}", { installation_id: 1 }, { status: 404 });
  await ask("app", "POST /app/installations/{installation_id}/access_tokens", id, {
    body: { repositories: ["site"], permissions: { contents: "read" } },
    status: 201,
  });
  await ask("app", "GET /orgs/{org}/installation", { org: "acme" });
  await get("app", repo("/installation"));
  await ask("app", "GET /app/hook/config");
  const deliveries = await ask("app", "GET /app/hook/deliveries");
  if (deliveries?.length) {
    await ask("app", "GET /app/hook/deliveries/{delivery_id}", { delivery_id: deliveries[0].id });
  }
  await ask("bot", "GET /installation/repositories");
  await ask("alice", "GET /user");
  await ask("alice", "GET /user/installations");
  await ask("alice", "GET /user/installations/{installation_id}/repositories", id);
  await ask("alice", "GET /user/orgs");
  // Only through an App that may read members.
  await ask("alice", "GET /user/memberships/orgs/{org}", { org: "acme" }, { status: 403 });
  await sim.verb("POST", `/installations/${installation.id}/permissions`, { name: "members", level: "read" });
  await ask("alice", "GET /user/memberships/orgs/{org}", { org: "acme" });
  await ask("alice", "GET /orgs/{org}/memberships/{username}", { org: "acme", username: "bob" });
  await ask("bot", "GET /orgs/{org}", { org: "acme" });
  await ask("bot", "GET /users/{username}", { username: "alice" });
  await ask("client", "POST /applications/{client_id}/token", sim, {
    body: { access_token: scene.user },
  });
  await ask("bot", "GET /rate_limit");
  await ask("nobody", "GET /meta");

  await get("bot", repo(""));
  await get("bot", ["/repos/{owner}/{repo}", { owner: "acme", repo: "nowhere" }], { status: 404 });
  await ask("bot", "POST /orgs/{org}/repos", { org: "acme" }, { body: { name: "made" }, status: 201 });
  await ask("bot", "POST /orgs/{org}/repos", { org: "acme" }, { body: { name: "made" }, status: 422 });
  await ask("alice", "POST /user/repos", {}, { body: { name: "mine", auto_init: true }, status: 201 });
  await get("bot", ["/repos/{owner}/{repo}/git/trees/{tree_sha}", { owner: "acme", repo: "made", tree_sha: "main" }], { status: 409 });

  await get("bot", repo("/branches"));
  await get("bot", repo("/branches/{branch}", { branch: "main" }));
  await get("bot", repo("/git/ref/{ref}", { ref: "heads/main" }));
  await get("bot", repo("/git/matching-refs/{ref}", { ref: "heads" }));
  const commit = await get("bot", repo("/git/commits/{commit_sha}", { commit_sha: head }));
  await get("bot", repo("/git/trees/{tree_sha}", { tree_sha: head }), { query: "?recursive=1" });
  const blob = await post("bot", repo("/git/blobs"), { content: "aGk=", encoding: "base64" });
  await get("bot", repo("/git/blobs/{file_sha}", { file_sha: blob?.sha }));
  const tree = await post("bot", repo("/git/trees"), {
    base_tree: commit?.tree.sha,
    tree: [{ path: "a.txt", mode: "100644", type: "blob", sha: blob?.sha }],
  });
  const made = await post("bot", repo("/git/commits"), {
    message: "Add a.txt",
    tree: tree?.sha,
    parents: [head],
  });
  await post("bot", repo("/git/refs"), { ref: "refs/heads/topic", sha: made?.sha });
  await post("bot", repo("/git/refs"), { ref: "refs/heads/topic", sha: made?.sha }, 422);
  const [refPath, refValues] = repo("/git/refs/{ref}", { ref: "heads/topic" });
  await ask("bot", `PATCH ${refPath}`, refValues, { body: { sha: head }, status: 422 });
  await ask("bot", `PATCH ${refPath}`, refValues, { body: { sha: head, force: true } });
  await ask("bot", `PATCH ${refPath}`, refValues, { body: { sha: made?.sha } });

  for (const path of ["README.md", "src", "link", "lib"]) {
    await get("bot", repo("/contents/{path}", { path }));
  }
  const [contents, values] = repo("/contents/{path}", { path: "new file.txt" });
  const put = await ask("bot", `PUT ${contents}`, values, {
    body: { message: "Add", content: "aGk=" },
    status: 201,
  });
  await ask("bot", `PUT ${contents}`, values, {
    body: { message: "Change", content: "aG8=", sha: put?.content.sha },
  });
  await ask("bot", `PUT ${contents}`, values, {
    body: { message: "Change", content: "aG8=", sha: head },
    status: 409,
  });
  await get("bot", repo("/commits"));
  await get("bot", repo("/commits/{ref}", { ref: "main" }));
  await get("bot", repo("/compare/{basehead}", { basehead: `${head}...main` }));
  await get("bot", repo("/tags"));

  await post("bot", repo("/pulls"), { title: "Topic", head: "topic", base: "main" });
  await post("bot", repo("/pulls"), { title: "Topic", head: "topic", base: "main" }, 422);
  await sim.verb("POST", "/repos/acme/site/pulls/1/review", { by: "bob", verdict: "approve" });
  await sim.verb("POST", "/repos/acme/site/checks", { sha: made?.sha, name: "ci", result: "success" });
  await sim.verb("POST", "/repos/acme/site/statuses", { sha: made?.sha, context: "x", state: "pending" });
  await get("bot", repo("/pulls"));
  const pull = { pull_number: 1 };
  await get("bot", repo("/pulls/{pull_number}", pull));
  await get("bot", repo("/pulls/{pull_number}/files", pull));
  await get("bot", repo("/pulls/{pull_number}/commits", pull));
  await get("bot", repo("/pulls/{pull_number}/reviews", pull));
  await get("bot", repo("/commits/{ref}/status", { ref: "topic" }));
  await get("bot", repo("/commits/{ref}/statuses", { ref: "topic" }));
  await get("bot", repo("/commits/{ref}/check-runs", { ref: "topic" }));
  await get("bot", repo("/commits/{ref}/check-suites", { ref: "topic" }));
  const [pullPath, pullValues] = repo("/pulls/{pull_number}", pull);
  await ask("bot", `PATCH ${pullPath}`, pullValues, { body: { title: "Other" } });
  await ask("bot", `PUT ${pullPath}/merge`, pullValues, { body: {} });
  await ask("bot", `PUT ${pullPath}/merge`, pullValues, { body: {}, status: 405 });
  const [deletion, deleted] = repo("/git/refs/{ref}", { ref: "heads/topic" });
  await ask("bot", `DELETE ${deletion}`, deleted, { status: 204 });
  await ask("client", "DELETE /applications/{client_id}/token", sim, {
    body: { access_token: scene.user },
    status: 204,
  });
}
