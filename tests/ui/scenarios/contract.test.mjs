// The elements' types come from the OpenAPI document, and what the API answers is what the document says.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { Document } from "../support/schema.mjs";
import { torn, waiting } from "../support/states.mjs";
import { World } from "../support/world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop());

test("every requirement from 1.1 to 6.5 has a test named after it", () => {
  const folder = new URL(".", import.meta.url);
  const texts = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), "utf8")).join("");
  const named = new Set([...texts.matchAll(/\btest\("([1-6]\.[1-5])[ ,]/g)].map(([, number]) => number));
  const wanted = Array.from({ length: 30 }, (_, at) => `${Math.floor(at / 5) + 1}.${(at % 5) + 1}`);
  assert.deepEqual(wanted.filter((number) => !named.has(number)), []);
});

test("the elements' types are those of the document", () => {
  const script = new URL("../../../src/ui/elements/types.mjs", import.meta.url).pathname;
  execFileSync(process.execPath, [script, "--check"], { stdio: "pipe" });
});

test("answers are what the document says", async () => {
  const document = new Document(await world.api("GET", "/openapi.json"));
  const errors = [];
  const look = async (project, tail, query = "") => {
    const answer = await world.api("GET", `/v1/projects/${project.id}${tail}${query}`);
    errors.push(...document.check("GET", `/v1/projects/{project}${tail}`, 200, answer));
    return answer;
  };
  const project = await waiting(world);
  await world.api("POST", `${project.path}/pull-requests`, { title: "Proposed" });
  await project.change({ "new name.md": "# Site\n", "README.md": null, ".env": "secret\n" });
  const empty = await world.project();
  for (const one of [project, await torn(world), empty]) {
    for (const tail of ["", "/integration", "/settings", "/syncs", "/pending", "/conflicts", "/pull-requests", "/files"]) await look(one, tail);
  }
  await look(project, "/pending", "?excluded=true");
  await look(project, "/repositories", "?user=u_1");
  errors.push(...document.check("GET", "/v1/audit", 200, await world.api("GET", "/v1/audit")));
  errors.push(...document.check("GET", "/v1/projects", 200, await world.api("GET", "/v1/projects")));
  assert.deepEqual(errors, []);
});
