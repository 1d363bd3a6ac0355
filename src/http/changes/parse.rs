//! Change and tree requests, read strictly: each wrong field is named, and the event id is found
//! even when other fields are wrong.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::content::{Encoding, Places, Refused};
use super::object::{Errors, Object, each_item, short_text, text};
use crate::http::body::{MAX_DEPTH, check_depth};
use crate::http::json::depth;
use crate::http::problem::ApiError;
use crate::model::{Author, Code, FilePath, Mode, Oid, Problem, UserId};
use crate::store::changes::apply::{Expected, NewContent, Op};
use crate::store::changes::{TreeContent, TreeFile};

const MAX_CHANGES: usize = 10_000;
/// The body's limit comes first, unless a tree is made of next to nothing.
const MAX_TREE_FILES: usize = 1_000_000;

/// A request that was read.
#[derive(Debug)]
pub struct Read<T> {
    /// None: missing or wrong, which `request` says too.
    pub event_id: Option<String>,
    pub request: Result<Draft<T>, Box<ApiError>>,
}

/// The fields of a valid request.
#[derive(Debug)]
pub struct Draft<T> {
    pub expected_revision: Option<i64>,
    pub author: Option<Author>,
    pub items: Vec<T>,
    pub contents: Places,
}

/// Reads the body of a change request. Errors: it is no JSON, or too deep.
pub fn changes(body: Bytes) -> Result<Read<Op>, ApiError> {
    read(body, |reader, object| {
        object.only(&["event_id", "expected_revision", "author", "changes"], &[], &mut reader.errors);
        let Some(raw) = object.required("changes", &mut reader.errors) else { return Vec::new() };
        let mut ops = Vec::new();
        let count = each_item(raw, MAX_CHANGES, |index, raw| ops.extend(reader.change(index, raw)));
        match count {
            None => reader.errors.add("changes", "is an array"),
            Some(0) => reader.errors.add("changes", "has at least one change"),
            Some(count) if count > MAX_CHANGES => reader.too_many("changes", MAX_CHANGES),
            Some(_) => {}
        }
        ops
    })
}

/// Reads the body of a tree request. Errors: it is no JSON, or too deep.
pub fn tree(body: Bytes) -> Result<Read<TreeFile>, ApiError> {
    read(body, |reader, object| {
        let known = ["event_id", "expected_revision", "author", "allow_empty", "files"];
        object.only(&known, &[], &mut reader.errors);
        let allowed = object.parsed("allow_empty", object.optional("allow_empty"), &mut reader.errors, boolean);
        let Some(raw) = object.required("files", &mut reader.errors) else { return Vec::new() };
        let mut files = Vec::new();
        let count = each_item(raw, MAX_TREE_FILES, |index, raw| files.extend(reader.file(index, raw)));
        match count {
            None => reader.errors.add("files", "is an array"),
            Some(0) if allowed != Some(true) => {
                reader.errors.add("files", "is empty: this would delete every file; say allow_empty to mean it");
            }
            Some(count) if count > MAX_TREE_FILES => reader.too_many("files", MAX_TREE_FILES),
            Some(_) => {}
        }
        files
    })
}

struct Reader {
    errors: Errors,
    contents: Places,
    /// A limit that is exceeded: told instead of the errors.
    too_large: Option<ApiError>,
}

fn read<T>(body: Bytes, items: impl FnOnce(&mut Reader, &Object<'_>) -> Vec<T>) -> Result<Read<T>, ApiError> {
    let text = json_text(&body)?;
    let mut reader = Reader { errors: Errors::default(), contents: Places::new(body.clone()), too_large: None };
    let Some(object) = Object::read(text, String::new(), &mut reader.errors) else {
        return Ok(Read { event_id: None, request: Err(Box::new(reader.refusal())) });
    };
    let raw = object.required("event_id", &mut reader.errors);
    let event_id = object.parsed("event_id", raw, &mut reader.errors, |raw| short_text(raw, 1, 128));
    let raw = object.optional("expected_revision");
    let expected_revision = object.parsed("expected_revision", raw, &mut reader.errors, revision);
    let author = object.optional("author").and_then(|raw| author(raw, &mut reader.errors));
    let items = items(&mut reader, &object);
    let request = if reader.errors.0.is_empty() && reader.too_large.is_none() {
        Ok(Draft { expected_revision, author, items, contents: reader.contents })
    } else {
        Err(Box::new(reader.refusal()))
    };
    Ok(Read { event_id, request })
}

/// The body as text that is one JSON document of at most 64 levels.
fn json_text(body: &[u8]) -> Result<&str, ApiError> {
    let malformed = |why: String| ApiError::new(Code::Malformed, format!("The body is not valid JSON: {why}."));
    let text = std::str::from_utf8(body).map_err(|error| malformed(error.to_string()))?;
    if depth(text).is_some_and(|depth| depth <= MAX_DEPTH) {
        return Ok(text.trim_matches([' ', '\n', '\r', '\t']));
    }
    check_depth(body)?;
    serde_json::from_str::<&RawValue>(text).map(RawValue::get).map_err(|error| malformed(error.to_string()))
}

impl Reader {
    fn refusal(self) -> ApiError {
        let Errors(errors) = self.errors;
        self.too_large.unwrap_or_else(|| invalid(errors))
    }

    fn too_many(&mut self, field: &str, most: usize) {
        let problem = Problem::new(Code::PayloadTooLarge, format!("A request has at most {most} {field}."));
        self.too_large = Some(problem.with_error(field, format!("has at most {most} items")).into());
    }

    fn change(&mut self, index: usize, raw: &RawValue) -> Option<Op> {
        let object = Object::read(raw.get(), format!("changes[{index}]"), &mut self.errors)?;
        let raw = object.required("op", &mut self.errors);
        let op = object.parsed("op", raw, &mut self.errors, text)?;
        match op.as_str() {
            "put" => self.put(&object),
            "delete" => self.delete(&object),
            "rename" => self.rename(&object),
            _ => {
                self.errors.add(object.path("op"), "is `put`, `delete` or `rename`");
                None
            }
        }
    }

    fn put(&mut self, object: &Object<'_>) -> Option<Op> {
        object.only(&["op", "path", "content", "encoding", "mode", "base_oid"], &["from"], &mut self.errors);
        let path = self.path(object, "path");
        let mode = self.mode(object);
        let base = self.base_oid(object);
        let raw = object.required("content", &mut self.errors);
        let content = self.content(object, raw?, path.as_ref());
        Some(Op::Put { path: path?, content: content?, mode, base })
    }

    fn delete(&mut self, object: &Object<'_>) -> Option<Op> {
        object.only(&["op", "path", "base_oid"], &["from", "content", "encoding", "mode"], &mut self.errors);
        let path = self.path(object, "path");
        let base = self.base_oid(object);
        Some(Op::Delete { path: path?, base })
    }

    fn rename(&mut self, object: &Object<'_>) -> Option<Op> {
        object.only(&["op", "path", "from"], &["content", "encoding", "mode", "base_oid"], &mut self.errors);
        let path = self.path(object, "path");
        let from = self.path(object, "from");
        let (path, from) = (path?, from?);
        if path == from {
            self.errors.add(object.path("path"), format!("{path} cannot be renamed onto itself"));
            return None;
        }
        Some(Op::Rename { path, from })
    }

    fn file(&mut self, index: usize, raw: &RawValue) -> Option<TreeFile> {
        let object = Object::read(raw.get(), format!("files[{index}]"), &mut self.errors)?;
        object.only(&["path", "mode", "content", "encoding", "oid"], &[], &mut self.errors);
        let path = self.path(&object, "path");
        let mode = self.mode(&object);
        let content = match (object.optional("content"), object.optional("oid")) {
            (Some(raw), None) => self.content(&object, raw, path.as_ref()).map(TreeContent::New),
            (None, Some(raw)) => object.parsed("oid", Some(raw), &mut self.errors, oid).map(TreeContent::Known),
            (Some(_), Some(_)) => {
                self.errors.add(object.path("oid"), "a file has `content` or `oid`, not both");
                None
            }
            (None, None) => {
                self.errors.add(object.path("content"), "missing field `content`, or `oid`");
                None
            }
        };
        Some(TreeFile { path: path?, mode, content: content? })
    }

    fn path(&mut self, object: &Object<'_>, name: &str) -> Option<FilePath> {
        let raw = object.required(name, &mut self.errors);
        object.parsed(name, raw, &mut self.errors, |raw| FilePath::parse(text(raw)?).map_err(|why| why.0))
    }

    fn mode(&mut self, object: &Object<'_>) -> Option<Mode> {
        object.parsed("mode", object.optional("mode"), &mut self.errors, mode)
    }

    fn base_oid(&mut self, object: &Object<'_>) -> Option<Expected> {
        let expected = |raw| if raw == "null" { Ok(None) } else { oid(raw).map(Some) };
        object.parsed("base_oid", object.raw("base_oid"), &mut self.errors, expected)
    }

    fn content(&mut self, object: &Object<'_>, raw: &str, path: Option<&FilePath>) -> Option<NewContent> {
        let named = |raw| Encoding::parse(&text(raw)?);
        let encoding = match object.optional("encoding") {
            Some(raw) => object.parsed("encoding", Some(raw), &mut self.errors, named)?,
            None => Encoding::Utf8,
        };
        match self.contents.add(raw, encoding) {
            Ok(content) => Some(content),
            Err(Refused::Invalid(why)) => {
                self.errors.add(object.path("content"), why);
                None
            }
            Err(Refused::TooLarge) => {
                self.file_too_large(object, path);
                None
            }
        }
    }

    fn file_too_large(&mut self, object: &Object<'_>, path: Option<&FilePath>) {
        let name = path.map_or("a file", FilePath::as_str);
        let problem = Problem::new(Code::FileTooLarge, format!("{name} has more than 50 MiB."));
        let problem = problem.with_error(object.path("content"), format!("{name} has more than 50 MiB"));
        self.too_large.get_or_insert_with(|| problem.into());
    }
}

/// The refusal that names every wrong field.
pub fn invalid(errors: Vec<crate::model::problem::FieldError>) -> ApiError {
    let detail = errors.first().map(|error| format!("{}: {}", error.field, error.message)).unwrap_or_default();
    let mut problem = Problem::new(Code::ValidationFailed, detail);
    problem.errors = errors;
    problem.into()
}

fn author(raw: &str, errors: &mut Errors) -> Option<Author> {
    let object = Object::read(raw, "author".to_owned(), errors)?;
    object.only(&["id", "name", "email"], &[], errors);
    let raw = object.required("id", errors);
    let id = object.parsed("id", raw, errors, |raw| UserId::parse(text(raw)?).map_err(|why| why.0));
    let name = object.parsed("name", object.optional("name"), errors, |raw| of_a_commit(short_text(raw, 1, 200)?));
    let email = object.parsed("email", object.optional("email"), errors, |raw| of_a_commit(short_text(raw, 0, 254)?));
    Some(Author { id: id?.into(), name, email: email.filter(|text| !text.is_empty()) })
}

/// Text that can stand in a commit's trailer.
fn of_a_commit(text: String) -> Result<String, String> {
    let bad = |c: char| c.is_control() || matches!(c, '<' | '>');
    if text.chars().any(bad) { Err("has no control characters, < or >".to_owned()) } else { Ok(text) }
}

fn revision(raw: &str) -> Result<i64, String> {
    raw.parse().ok().filter(|number| *number >= 0).ok_or("is a whole number, 0 or more".to_owned())
}

fn boolean(raw: &str) -> Result<bool, String> {
    raw.parse().map_err(|_| "is true or false".to_owned())
}

fn oid(raw: &str) -> Result<Oid, String> {
    text(raw)?.parse().map_err(|why: crate::model::oid::BadOid| why.to_string())
}

fn mode(raw: &str) -> Result<Mode, String> {
    let wrong = || crate::model::oid::BadMode.to_string();
    text(raw)?.parse().ok().filter(|mode| *mode != Mode::Submodule).ok_or_else(wrong)
}

#[cfg(test)]
mod tests;
