// GitHub's OpenAPI description as something answers can be held against.

import { readFileSync } from "node:fs";
import Ajv from "ajv";
import addFormats from "ajv-formats";

// Its package's own entry loads every description there is; one is enough.
const path = "../node_modules/@octokit/openapi/generated/api.github.com.json";
const description = JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
const ajv = new Ajv({ strict: false, allErrors: true, validateSchema: false, logger: false });
addFormats(ajv);
// GitHub's own bots have brackets in their addresses.
ajv.addFormat("email", true);

// OpenAPI 3.0 says `nullable` where JSON Schema has a type of its own; and where the description
// says `oneOf`, several of its schemas often fit.
function plain(schema) {
  if (Array.isArray(schema)) return schema.map(plain);
  if (!schema || typeof schema !== "object") return schema;
  const { nullable, oneOf, ...rest } = schema;
  if (oneOf) rest.anyOf = [...(rest.anyOf ?? []), ...oneOf];
  const copy = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, plain(value)]));
  delete copy.example;
  delete copy.examples;
  if (!nullable) return copy;
  return { anyOf: [{ type: "null" }, copy] };
}

ajv.addSchema({ $id: "github", components: plain(description.components) }, "github");

function absolute(schema) {
  if (Array.isArray(schema)) return schema.map(absolute);
  if (!schema || typeof schema !== "object") return schema;
  const entries = Object.entries(schema).map(([key, value]) =>
    key === "$ref" ? [key, `github${value}`] : [key, absolute(value)],
  );
  return Object.fromEntries(entries);
}

const compiled = new Map();

function validator(key, schema) {
  if (!compiled.has(key)) compiled.set(key, ajv.compile(absolute(plain(schema))));
  return compiled.get(key);
}

function resolve(value) {
  if (!value?.$ref) return value;
  const steps = value.$ref.slice(2).split("/");
  return steps.reduce((at, step) => at[step], description);
}

function complain(key, validate, value) {
  if (validate(value)) return;
  const lines = validate.errors
    .filter((error) => error.keyword !== "anyOf" && error.keyword !== "oneOf")
    .slice(0, 8)
    .map((error) => `${error.instancePath || "/"} ${error.message}`);
  throw new Error(`${key}\n${[...new Set(lines)].join("\n")}`);
}

// Where the description contradicts itself: here an account is a user and an enterprise at once.
const ERRATA = {
  "GET /app/installations 200": {
    type: "array",
    items: { $ref: "#/components/schemas/installation" },
  },
};

// Holds an answer against what GitHub describes for `METHOD /path/{template}`.
export function answer(operation, status, body) {
  const [method, path] = operation.split(" ");
  const described = description.paths[path]?.[method.toLowerCase()];
  if (!described) throw new Error(`GitHub describes no ${operation}`);
  const response = resolve(described.responses[status]);
  if (!response) throw new Error(`GitHub describes no ${status} of ${operation}`);
  const key = `${operation} ${status}`;
  const schema = ERRATA[key] ?? response.content?.["application/json"]?.schema;
  if (!schema) {
    if (body !== undefined && body !== null) throw new Error(`${operation} ${status} has no body`);
    return;
  }
  complain(key, validator(key, schema), body);
}

// Holds a webhook's payload against what GitHub describes for it.
export function webhook(event, payload) {
  const parts = payload.action ? [event, payload.action] : [event];
  const name = parts.join("-").replaceAll("_", "-");
  const described = description["x-webhooks"][name];
  if (!described) throw new Error(`GitHub describes no webhook ${name}`);
  const schema = described.post.requestBody.content["application/json"].schema;
  complain(name, validator(`webhook ${name}`, schema), payload);
}
