//! What the document says beyond what is derived from the types: choices, bounds, what is always
//! there. Clients are generated from it.

use serde_json::{Map, Value, json};

/// Members that have one of a few values.
const CHOICES: &[(&str, &str, &[&str])] = &[
    ("ActorView", "type", &["host", "user", "github", "operator", "system"]),
    ("Change", "op", &["put", "delete", "rename"]),
    ("Change", "encoding", &["utf-8", "base64"]),
    ("Change", "mode", MODES),
    ("ConflictView", "kind", &["both_modified", "both_added", "deleted_on_github", "deleted_in_project"]),
    ("DeadLetterView", "kind", &["sync", "webhook", "notification"]),
    ("FileView", "mode", MODES),
    ("InstallationItem", "repository_selection", &["all", "selected"]),
    ("IntegrationView", "state", &["disconnected", "connected", "suspended", "broken"]),
    ("PendingView", "change", CHANGES),
    ("PullView", "state", &["open", "draft", "merged", "closed"]),
    ("PullView", "checks", &["none", "pending", "success", "failure"]),
    ("PullView", "review", &["none", "required", "approved", "changes_requested"]),
    ("RepositoryItem", "permission", &["read", "write", "admin"]),
    ("SettingsRequest", "conflict_policy", POLICIES),
    ("SettingsView", "conflict_policy", POLICIES),
    ("SyncFileView", "change", CHANGES),
    ("SyncView", "kind", &["initial", "auto", "manual", "pull_request", "resolve"]),
    ("SyncView", "direction", &["push", "pull", "both", "none"]),
    ("SyncView", "status", &["queued", "running", "succeeded", "no_changes", "conflict", "failed", "canceled"]),
    ("TreeFile", "encoding", &["utf-8", "base64"]),
    ("TreeFile", "mode", MODES),
];
const MODES: &[&str] = &["100644", "100755", "120000"];
const CHANGES: &[&str] = &["added", "modified", "deleted", "renamed", "mode_changed"];
const POLICIES: &[&str] = &["ask", "project_wins", "github_wins", "pull_request"];

/// Bounds of members: JSON Schema's words.
const BOUNDS: &[(&str, &str, &str, u32)] = &[
    ("AuthorBody", "id", "minLength", 1),
    ("AuthorBody", "id", "maxLength", 128),
    ("ChangeRequestBody", "event_id", "minLength", 1),
    ("ChangeRequestBody", "event_id", "maxLength", 128),
    ("ChangeRequestBody", "changes", "minItems", 1),
    ("ChangeRequestBody", "changes", "maxItems", 10_000),
    ("PanelUser", "id", "minLength", 1),
    ("PanelUser", "id", "maxLength", 128),
    ("PullRequestRequest", "title", "minLength", 1),
    ("PullRequestRequest", "title", "maxLength", 256),
    ("SettingsRequest", "batch_seconds", "maximum", 3600),
    ("SettingsRequest", "exclude", "maxItems", 500),
    ("SettingsRequest", "max_delete_percent", "maximum", 100),
    ("TreeRequestBody", "event_id", "minLength", 1),
    ("TreeRequestBody", "event_id", "maxLength", 128),
];

/// Left out of answers where they mean nothing; every other member is always there, if only null.
const SOMETIMES: [(&str, &str); 4] =
    [("ConflictView", "detail"), ("PendingView", "from"), ("SideView", "text"), ("SyncFileView", "from")];

/// Members of requests that only a panel, whose person is known, may leave out.
const OF_HOSTS: [&str; 3] = ["ConnectRequest", "IntegrationRequest", "RepositoryRequest"];

/// Requests that are read by hand, and refuse fields they do not know like all others.
const CLOSED: [&str; 5] = ["AuthorBody", "Change", "ChangeRequestBody", "TreeFile", "TreeRequestBody"];

/// Not there yet while a pull request is being made; no answer shows it before.
const NEVER_NULL: [(&str, &str); 2] = [("PullView", "number"), ("PullView", "url")];

/// Members that are problems, or null.
const PROBLEMS: [(&str, &str); 4] =
    [("DeadLetterView", "error"), ("IntegrationView", "error"), ("PendingView", "held"), ("SyncView", "error")];

/// Completes the schemas of the document.
pub fn complete(schemas: &mut Value) {
    for (schema, member, choices) in CHOICES {
        let property = &mut schemas[schema]["properties"][member];
        let nullable = property["type"].as_array().is_some_and(|types| types.contains(&json!("null")));
        let choices = choices.iter().map(|choice| json!(choice));
        property["enum"] = choices.chain(nullable.then_some(Value::Null)).collect();
    }
    for (schema, member, word, bound) in BOUNDS {
        schemas[schema]["properties"][member][word] = json!(bound);
    }
    for (schema, member) in PROBLEMS {
        schemas[schema]["properties"][member] =
            json!({ "oneOf": [{ "$ref": "#/components/schemas/Problem" }, { "type": "null" }] });
    }
    for schema in CLOSED {
        schemas[schema]["additionalProperties"] = json!(false);
    }
    for schema in OF_HOSTS {
        if let Some(required) = schemas[schema]["required"].as_array_mut() {
            required.push(json!("user"));
        } else {
            schemas[schema]["required"] = json!(["user"]);
        }
    }
    for (schema, member) in NEVER_NULL {
        let kind = &mut schemas[schema]["properties"][member]["type"];
        *kind = kind[0].take();
    }
    schemas["SyncView"]["properties"]["author"] = author();
    for (name, schema) in schemas.as_object_mut().into_iter().flatten() {
        if let Some(item) = name.strip_prefix("List_") {
            schema["properties"]["items"]["items"] = json!({ "$ref": format!("#/components/schemas/{item}") });
        }
        if is_answer(name) {
            require_all(name, schema);
        }
    }
}

fn author() -> Value {
    let text = json!({ "type": ["string", "null"] });
    json!({ "type": ["object", "null"], "required": ["id", "name", "email"],
            "properties": { "id": { "type": "string" }, "name": text, "email": text } })
}

fn is_answer(name: &str) -> bool {
    name.starts_with("List_") || ["View", "Item", "Answer"].iter().any(|end| name.ends_with(end))
}

fn require_all(name: &str, schema: &mut Value) {
    let Some(properties) = schema["properties"].as_object() else { return };
    let always = properties.keys().filter(|member| !SOMETIMES.contains(&(name, member.as_str())));
    schema["required"] = always.map(|member| json!(member)).collect();
}

/// Completes the parameters of one operation.
pub fn complete_parameters(operation: &mut Map<String, Value>) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        match parameter["name"].as_str() {
            Some("project") if parameter["in"] == "path" => {
                parameter["schema"] = json!({ "type": "string", "minLength": 1, "maxLength": 128,
                                              "pattern": "^[A-Za-z0-9_-][A-Za-z0-9._-]*$" });
            }
            Some("limit") => {
                parameter["schema"] = json!({ "type": "integer", "minimum": 1, "maximum": 100, "default": 50 });
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::http::openapi;

    #[test]
    fn every_member_that_is_completed_is_there() {
        let document = openapi::document();
        let schemas = &document["components"]["schemas"];
        let choices = super::CHOICES.iter().map(|(schema, member, _)| (*schema, *member));
        let bounds = super::BOUNDS.iter().map(|(schema, member, ..)| (*schema, *member));
        for (schema, member) in
            choices.chain(bounds).chain(super::SOMETIMES).chain(super::PROBLEMS).chain(super::NEVER_NULL)
        {
            let property = &schemas[schema]["properties"][member];
            assert!(
                property["type"].is_string() || property["type"].is_array() || property["oneOf"].is_array(),
                "{schema}.{member}"
            );
        }
        for schema in super::CLOSED.iter().chain(&super::OF_HOSTS) {
            assert!(schemas[schema]["properties"].is_object(), "{schema}");
        }
    }
}
