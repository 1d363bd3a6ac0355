// The trimmed GraphQL schema against the whole of it, and answers against the schema.

import { readFileSync } from "node:fs";
import {
  buildSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  parse,
  validate,
} from "graphql";

const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");
const published = read("../node_modules/@octokit/graphql-schema/schema.graphql");
const whole = buildSchema(published, { assumeValidSDL: true });
const trimmed = buildSchema(read("../../src/graphql/schema.graphql"));

// Every type, field, argument and value of ours is GitHub's, with the same type.
function compareType(own) {
  const theirs = whole.getType(own.name);
  if (!theirs || theirs.constructor !== own.constructor) throw new Error(`${own.name} is not GitHub's`);
  if (isEnumType(own)) {
    const values = new Set(theirs.getValues().map((value) => value.name));
    for (const value of own.getValues()) {
      if (!values.has(value.name)) throw new Error(`${own.name}.${value.name} is not GitHub's`);
    }
    return;
  }
  if (!isObjectType(own) && !isInterfaceType(own) && !isInputObjectType(own)) return;
  for (const field of Object.values(own.getFields())) {
    const other = theirs.getFields()[field.name];
    const name = `${own.name}.${field.name}`;
    if (!other) throw new Error(`${name} is not GitHub's`);
    if (String(other.type) !== String(field.type)) throw new Error(`${name}: ${other.type}`);
    for (const argument of field.args ?? []) {
      const wanted = other.args.find((it) => it.name === argument.name);
      if (String(wanted?.type) !== String(argument.type)) throw new Error(`${name}(${argument.name})`);
    }
    const required = (other.args ?? []).filter((it) => isNonNullType(it.type) && it.defaultValue === undefined);
    for (const argument of required) {
      if (!field.args.some((it) => it.name === argument.name)) throw new Error(`${name} lacks ${argument.name}`);
    }
  }
  if (isInputObjectType(own)) {
    for (const field of Object.values(theirs.getFields())) {
      const needed = isNonNullType(field.type) && field.defaultValue === undefined;
      if (needed && !own.getFields()[field.name]) throw new Error(`${own.name} lacks ${field.name}`);
    }
  }
}

// A selection of everything a type has, this deep; arguments where they must be.
function everything(type, depth, args) {
  const named = getNamedType(type);
  if (isLeafType(named)) return "";
  const parts = ["__typename"];
  for (const field of Object.values(named.getFields())) {
    const inner = getNamedType(field.type);
    if (!isLeafType(inner) && depth === 0) continue;
    const given = field.args.filter((it) => it.name in args).map((it) => `${it.name}: ${args[it.name]}`);
    const missing = field.args.some((it) => isNonNullType(it.type) && !(it.name in args));
    if (missing) continue;
    const list = given.length ? `(${given.join(", ")})` : "";
    parts.push(`${field.name}${list} ${everything(field.type, depth - 1, args)}`);
  }
  return `{ ${parts.join(" ")} }`;
}

// Holds a value against its type, by the __typename of each object.
function fits(schema, type, value, where, selection) {
  if (isNonNullType(type)) {
    if (value === null || value === undefined) throw new Error(`${where} is null`);
    return fits(schema, type.ofType, value, where);
  }
  if (value === null || value === undefined) return;
  if (isListType(type)) {
    if (!Array.isArray(value)) throw new Error(`${where} is no list`);
    value.forEach((item, at) => fits(schema, type.ofType, item, `${where}[${at}]`));
    return;
  }
  if (isLeafType(type)) return leaf(type, value, where);
  const own = schema.getType(value.__typename);
  if (!isObjectType(own)) throw new Error(`${where}: ${value.__typename} is no object type`);
  if (isInterfaceType(type) && !schema.isSubType(type, own)) throw new Error(`${where}: ${own} is no ${type}`);
  if (isObjectType(type) && type.name !== own.name) throw new Error(`${where}: ${own}, not ${type}`);
  for (const [name, inner] of Object.entries(value)) {
    if (name !== "__typename") fits(schema, own.getFields()[name].type, inner, `${where}.${name}`);
  }
}

function leaf(type, value, where) {
  const wrong = () => {
    throw new Error(`${where}: ${JSON.stringify(value)} is no ${type.name}`);
  };
  if (isEnumType(type)) {
    if (!type.getValue(value)) wrong();
  } else if (type.name === "Int") {
    if (!Number.isInteger(value) || Math.abs(value) > 2 ** 31) wrong();
  } else if (type.name === "Boolean") {
    if (typeof value !== "boolean") wrong();
  } else if (type.name === "DateTime" || type.name === "GitTimestamp") {
    if (Number.isNaN(Date.parse(value))) wrong();
  } else if (type.name === "GitObjectID") {
    if (!/^[0-9a-f]{40}$/.test(value)) wrong();
  } else if (type.name === "BigInt") {
    if (!/^\d+$/.test(String(value))) wrong();
  } else if (typeof value !== "string") {
    wrong();
  }
}

export async function run(sim, report) {
  for (const own of Object.values(trimmed.getTypeMap())) {
    if (own.name.startsWith("__")) continue;
    await report.check(`type ${own.name} is part of GitHub's`, () => compareType(own));
  }
  const scene = await sim.scene();
  const { head } = scene;
  await sim.verb("POST", "/repos/acme/site/branches", { name: "topic" });
  const pushed = await sim.verb("POST", "/repos/acme/site/push", {
    branch: "topic",
    changes: [{ op: "put", path: "a", content: "a\n" }],
  });
  await sim.verb("POST", "/repos/acme/site/pulls", { title: "T", head: "topic" });
  await sim.verb("POST", "/repos/acme/site/pulls/1/review", { by: "bob", verdict: "approve" });
  await sim.verb("POST", "/repos/acme/site/checks", { sha: pushed.oid, name: "ci", result: "failure" });

  // Asks, with the document judged by GitHub's whole schema and the answer by its types.
  async function ask(name, document, variables = {}) {
    let data;
    await report.check(`document ${name}`, async () => {
      const errors = validate(whole, parse(document));
      if (errors.length) throw new Error(errors.map((error) => error.message).join("\n"));
      const response = await fetch(`${sim.url}/graphql`, {
        method: "POST",
        headers: { authorization: `Bearer ${scene.token}` },
        body: JSON.stringify({ query: document, variables }),
      });
      const body = await response.json();
      if (body.errors) throw new Error(JSON.stringify(body.errors));
      data = body.data;
      const root = document.startsWith("mutation") ? whole.getMutationType() : whole.getQueryType();
      for (const [field, value] of Object.entries(data)) {
        fits(whole, root.getFields()[field].type, value, field);
      }
    });
    return data;
  }

  const args = {
    first: 3,
    number: 1,
    expression: '"topic"',
    qualifiedName: '"refs/heads/topic"',
    refPrefix: '"refs/heads/"',
    path: '"README.md"',
  };
  const type = (name) => trimmed.getType(name);
  const inside = (field) => `{ repository(owner: "acme", name: "site") { __typename ${field} } }`;
  await ask("viewer and rateLimit", `{ viewer { __typename login } rateLimit ${everything(type("RateLimit"), 0, {})} }`);
  await ask("a repository", `{ repository(owner: "acme", name: "site") ${everything(type("Repository"), 2, args)} }`);
  await ask("a pull request", inside(`pullRequest(number: 1) ${everything(type("PullRequest"), 2, args)}`));
  await ask("a commit", inside(`object(expression: "main") { __typename ... on Commit ${everything(type("Commit"), 2, args)} }`));
  await ask("a tree", inside(`object(expression: "main^{tree}") { __typename ... on Tree ${everything(type("Tree"), 1, args)} }`));
  await ask("a blob", inside(`object(expression: "main:README.md") { __typename ... on Blob ${everything(type("Blob"), 1, args)} }`));
  const made = await ask(
    "createCommitOnBranch",
    `mutation($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) {
      __typename commit ${everything(type("Commit"), 1, args)} ref { __typename name } } }`,
    {
      input: {
        branch: { repositoryNameWithOwner: "acme/site", branchName: "main" },
        expectedHeadOid: head,
        message: { headline: "Add b", body: "Because." },
        fileChanges: { additions: [{ path: "b", contents: "Yg==" }], deletions: [] },
      },
    },
  );
  const ids = await ask("ids", inside("id defaultBranchRef { __typename id }"));
  await ask(
    "updateRefs",
    "mutation($input: UpdateRefsInput!) { updateRefs(input: $input) { __typename clientMutationId } }",
    {
      input: {
        clientMutationId: "x",
        repositoryId: ids?.repository.id,
        refUpdates: [
          {
            name: "refs/heads/new",
            beforeOid: "0".repeat(40),
            afterOid: made?.createCommitOnBranch.commit.oid,
          },
        ],
      },
    },
  );
  await ask("nodes", "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", {
    ids: [ids?.repository.id, ids?.repository.defaultBranchRef.id],
  });
}
