//! `/docs`: the OpenAPI document as one plain page, without scripts or anything from elsewhere.

use serde_json::Value;

use super::openapi::by_tag;
use super::page::{escape, with_body};

pub fn page(document: &Value) -> String {
    let mut body = String::from("<main>\n<h1>Lockstep: the host API</h1>\n");
    body += &paragraph(document["info"]["description"].as_str());
    body += "<p>For programs: <a href=\"/openapi.json\">openapi.json</a></p>\n";
    for (tag, operations) in by_tag(document) {
        body += &format!("<h2>{}</h2>\n", escape(&tag));
        for (method, path, operation) in &operations {
            body += &one(method, path, operation);
        }
    }
    body += "<h2>Shapes</h2>\n";
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        body += &format!("<h3 id=\"{0}\">{0}</h3>\n{1}", escape(name), code(schema));
    }
    with_body("API", &(body + "</main>"))
}

fn one(method: &str, path: &str, operation: &Value) -> String {
    let mut text = format!("<section>\n<h3><code>{} {}</code></h3>\n", escape(method), escape(path));
    text += &paragraph(operation["summary"].as_str());
    text += &paragraph(operation["description"].as_str());
    let parameters: String = operation["parameters"].as_array().into_iter().flatten().map(parameter).collect();
    if !parameters.is_empty() {
        text += &format!("<ul>\n{parameters}</ul>\n");
    }
    for (kind, content) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
        text += &format!("<p>Body, <code>{}</code>: {}</p>\n", escape(kind), shape(&content["schema"]));
    }
    text += "<ul>\n";
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        text += &answer(status, response);
    }
    text + "</ul>\n</section>\n"
}

fn parameter(parameter: &Value) -> String {
    let text = |name: &str| parameter[name].as_str().unwrap_or("");
    format!("<li><code>{}</code> ({}) {}</li>\n", escape(text("name")), escape(text("in")), prose(text("description")))
}

fn answer(status: &str, response: &Value) -> String {
    if status == "default" {
        return "<li><strong>Any other status</strong> is a problem: <a href=\"#Problem\">Problem</a></li>\n"
            .to_owned();
    }
    let description = response["description"].as_str().unwrap_or_default();
    let content = response["content"].as_object().into_iter().flatten();
    let shapes: Vec<_> =
        content.map(|(_, content)| shape(&content["schema"])).filter(|text| !text.is_empty()).collect();
    format!("<li><strong>{}</strong> {} {}</li>\n", escape(status), prose(description), shapes.join(", "))
}

/// A link to a named shape, or the shape itself.
fn shape(schema: &Value) -> String {
    match schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        Some(name) => format!("<a href=\"#{0}\">{0}</a>", escape(name)),
        None if schema.is_null() => String::new(),
        None => code(schema),
    }
}

fn code(value: &Value) -> String {
    format!("<pre tabindex=\"0\">{}</pre>\n", escape(&serde_json::to_string_pretty(value).unwrap_or_default()))
}

fn paragraph(text: Option<&str>) -> String {
    text.map(|text| format!("<p>{}</p>\n", prose(text))).unwrap_or_default()
}

/// Text in which backticks set off code.
fn prose(text: &str) -> String {
    let text = escape(text);
    let code = |(at, part): (usize, &str)| if at % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() };
    if text.matches('`').count() % 2 == 1 { text } else { text.split('`').enumerate().map(code).collect() }
}
