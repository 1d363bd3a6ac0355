//! The OpenAPI document: made from the handlers that `routes.rs` lists, completed here with what
//! all of them share: keys, problems, ids of operations.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::{routes, shapes};
use crate::model::Code;

/// The document, as it is served and printed.
pub fn document() -> Value {
    let mut document = serde_json::to_value(routes::Documented::openapi()).unwrap_or_default();
    document["info"] = json!({
        "title": "Lockstep",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Keeps the projects of a web product in step with GitHub. This is the host API, on the \
                        internal listener. Errors are RFC 9457 problems.",
        "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
    });
    document["security"] = json!([{ "key": [] }]);
    add_components(&mut document);
    for_each_operation(&mut document, complete);
    document
}

pub fn text() -> String {
    document().to_string()
}

fn add_components(document: &mut Value) {
    if !document["components"].is_object() {
        document["components"] = json!({});
    }
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    document["components"]["securitySchemes"] = json!({ "key": {
        "type": "http", "scheme": "bearer", "description": "An API key of LOCKSTEP_API_KEYS or `lockstep keys create`" } });
    let mut problem = json!({
        "type": "object",
        "description": "RFC 9457. Some codes have further members, such as `revision` or `missing`.",
        "required": ["type", "title", "status", "detail", "code", "action", "retryable"],
        "properties": {
            "type": { "type": "string" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string", "description": "What happened, in words for a person" },
            "code": { "type": "string", "enum": codes },
            "action": { "type": "string", "description": "What the person should do next" },
            "retryable": { "type": "boolean", "description": "The same request can succeed later" },
            "errors": { "type": "array", "items": {
                "type": "object", "required": ["field", "message"],
                "properties": { "field": { "type": "string" }, "message": { "type": "string" } } } },
        },
        "additionalProperties": true,
    });
    document["components"]["schemas"]["Problem"] = problem.clone();
    problem["properties"]["request_id"] = json!({ "type": "string", "description": "Also the header X-Request-Id" });
    if let Some(required) = problem["required"].as_array_mut() {
        required.push(json!("request_id"));
    }
    document["components"]["schemas"]["ProblemDocument"] = problem;
    shapes::complete(&mut document["components"]["schemas"]);
    document["components"]["responses"]["Problem"] = json!({
        "description": "Anything that went wrong",
        "headers": { "X-Request-Id": { "schema": { "type": "string" } } },
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/ProblemDocument" } } },
    });
}

/// Calls with method, path and the operation of each route.
fn for_each_operation(document: &mut Value, mut visit: impl FnMut(&str, &str, &mut Map<String, Value>)) {
    let Some(paths) = document["paths"].as_object_mut() else { return };
    for (path, item) in paths {
        let Some(item) = item.as_object_mut() else { continue };
        for (method, operation) in item {
            if let Some(operation) = operation.as_object_mut() {
                visit(method, path, operation);
            }
        }
    }
}

fn complete(method: &str, path: &str, operation: &mut Map<String, Value>) {
    operation.insert("operationId".to_owned(), json!(operation_id(method, path)));
    shapes::complete_parameters(operation);
    if is_open(path) {
        operation.insert("security".to_owned(), json!([]));
    }
    if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
        responses.insert("default".to_owned(), json!({ "$ref": "#/components/responses/Problem" }));
        refer_problems(responses);
        describe(responses);
    }
}

/// OpenAPI wants words for every response; those of most successes are their status.
fn describe(responses: &mut Map<String, Value>) {
    for (status, response) in responses {
        let Some(response) = response.as_object_mut().filter(|response| !response.contains_key("$ref")) else {
            continue;
        };
        let known = response.get("description").and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        if !known {
            let words = status.parse().ok().and_then(|code: u16| StatusCode::from_u16(code).ok()?.canonical_reason());
            response.insert("description".to_owned(), json!(words.unwrap_or("Done")));
        }
    }
}

/// Errors that a handler describes only in words have the shape of all problems.
fn refer_problems(responses: &mut Map<String, Value>) {
    let errors = responses.iter_mut().filter(|(status, _)| status.starts_with(['4', '5']));
    for response in errors.filter_map(|(_, response)| response.as_object_mut()) {
        response.entry("content").or_insert_with(
            || json!({ "application/problem+json": { "schema": { "$ref": "#/components/schemas/ProblemDocument" } } }),
        );
    }
}

fn is_open(path: &str) -> bool {
    routes::ROUTES.iter().any(|route| route.path == path && route.needs.is_none())
}

/// `get_projects_project_files`: unique, because method and path are.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty() && *word != "v1");
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}

/// Operations by their first tag, in the order of the paths: for the page.
pub fn by_tag(document: &Value) -> BTreeMap<String, Vec<(String, String, Value)>> {
    let mut groups: BTreeMap<String, Vec<(String, String, Value)>> = BTreeMap::new();
    let mut document = document.clone();
    for_each_operation(&mut document, |method, path, operation| {
        let tag = operation.get("tags").and_then(|tags| tags[0].as_str()).unwrap_or("other").to_owned();
        groups.entry(tag).or_default().push((method.to_uppercase(), path.to_owned(), json!(operation)));
    });
    groups
}
