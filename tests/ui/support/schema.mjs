// Holds answers against the OpenAPI document: what it says and nothing else.

export class Document {
  constructor(document) {
    this.document = document;
  }

  /** What does not fit, as texts. */
  check(method, path, status, value) {
    const operation = this.document.paths[path][method.toLowerCase()];
    const { schema } = operation.responses[status].content["application/json"];
    return [...this.#errors(schema, value, `${method} ${path}`)];
  }

  #resolve(schema) {
    return schema.$ref ? this.#resolve(schema.$ref.slice(2).split("/").reduce((at, key) => at[key], this.document)) : schema;
  }

  *#errors(given, value, at) {
    const schema = this.#resolve(given);
    for (const part of schema.allOf ?? []) yield* this.#errors(part, value, at);
    if (schema.oneOf && !schema.oneOf.some((one) => [...this.#errors(one, value, at)].length === 0)) {
      yield* this.#errors(schema.oneOf.findLast(Boolean), value, at);
    }
    if (schema.type && ![schema.type].flat().includes(typeOf(value, schema.type))) yield `${at} is ${JSON.stringify(value)}, not ${schema.type}`;
    else if (schema.enum && !schema.enum.includes(value)) yield `${at} is ${JSON.stringify(value)}, none of ${schema.enum}`;
    else if (Array.isArray(value)) for (const [index, item] of value.entries()) yield* this.#errors(schema.items ?? {}, item, `${at}[${index}]`);
    else if (value !== null && typeof value === "object" && schema.properties) yield* this.#members(schema, value, at);
  }

  *#members(schema, value, at) {
    for (const name of schema.required ?? []) if (!(name in value)) yield `${at}.${name} is missing`;
    for (const [name, member] of Object.entries(value)) {
      if (schema.properties[name]) yield* this.#errors(schema.properties[name], member, `${at}.${name}`);
      else if (!schema.additionalProperties) yield `${at}.${name} is not described`;
    }
  }
}

function typeOf(value, wanted) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) && [wanted].flat().includes("integer") ? "integer" : typeof value;
}
