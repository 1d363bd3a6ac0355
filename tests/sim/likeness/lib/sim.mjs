// A simulator of one's own: started, driven below /_sim, asked as its clients ask.

import { spawn } from "node:child_process";
import { createSign } from "node:crypto";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

export class Sim {
  static async start(program) {
    const child = spawn(program, ["--listen", "127.0.0.1:0"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lines = createInterface({ input: child.stdout });
    const told = await new Promise((resolve, reject) => {
      lines.once("line", (line) => resolve(JSON.parse(line)));
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`github-sim ended with ${code}`)));
    });
    return new Sim(child, told);
  }

  constructor(child, told) {
    Object.assign(this, told);
    this.child = child;
    this.key = readFileSync(told.private_key_path, "utf8");
  }

  stop() {
    return new Promise((resolve) => {
      this.child.removeAllListeners("exit");
      this.child.once("exit", resolve);
      this.child.kill("SIGTERM");
    });
  }

  // Calls a verb and answers its JSON.
  async verb(method, path, body) {
    const response = await fetch(`${this.url}/_sim${path}`, {
      method,
      headers: { "content-type": "application/json" },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} /_sim${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  // The App's own JWT.
  jwt() {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const now = Math.floor(Date.now() / 1000);
    const claims = { iat: now - 60, exp: now + 300, iss: this.client_id };
    const text = `${part({ alg: "RS256", typ: "JWT" })}.${part(claims)}`;
    return `${text}.${createSign("RSA-SHA256").update(text).sign(this.key, "base64url")}`;
  }

  // acme/site with some history, the App installed there, and a token of each kind.
  async scene() {
    await this.verb("POST", "/orgs", { login: "acme", members: { alice: "admin", bob: "member" } });
    const files = [
      { op: "put", path: "README.md", content: "# Site\n" },
      { op: "put", path: "src/run", content: "#!/bin/sh\n", mode: "100755" },
      { op: "put", path: "link", content: "README.md", mode: "120000" },
      {
        op: "put",
        path: ".gitmodules",
        content: '[submodule "lib"]\n\tpath = lib\n\turl = https://example.com/lib.git\n',
      },
      { op: "submodule", path: "lib", oid: "6113728f27ae82c7b1a177c8d03f9e96e0adf246" },
    ];
    const repo = await this.verb("POST", "/repos", { name: "acme/site", files });
    const installation = await this.verb("POST", "/installations", { account: "acme" });
    const { token } = await this.verb("POST", "/tokens", { installation: installation.id });
    const user = await this.verb("POST", "/tokens", { login: "alice" });
    return { repo, installation, token, user: user.access_token, head: repo.branches.main };
  }
}
