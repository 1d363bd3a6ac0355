// Writes src/api/schema.ts from the document that `lockstep openapi` prints; `--check` only compares.
import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const FILE = new URL("src/api/schema.ts", import.meta.url);
const HEAD = "// Made from Lockstep's OpenAPI document by `npm run types`; not edited by hand.\n\n";

const program = process.env.LOCKSTEP_BIN;
const [command, ...args] = program ? [program] : ["cargo", "run", "--quiet", "--package", "lockstep", "--"];
const { openapi, info, components } = JSON.parse(execFileSync(command, [...args, "openapi"], { encoding: "utf8", maxBuffer: 1 << 26 }));
// The shapes only: the client has a typed function for each route.
const document = { openapi, info, paths: {}, components: { schemas: components.schemas } };
const text = HEAD + astToString(await openapiTS(document, { exportType: true, alphabetize: true }));

if (!process.argv.includes("--check")) await writeFile(FILE, text);
else if ((await readFile(FILE, "utf8")) !== text) {
  console.error("src/api/schema.ts is not what the document says: run `npm run types` in src/ui/elements");
  process.exitCode = 1;
}
