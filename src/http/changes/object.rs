//! JSON objects taken apart one level at a time: every value stays the text it was sent as until
//! its field is read, so that each wrong field is named and large contents are not copied.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::model::problem::FieldError;

/// Fields kept of one object. No object of a request has as many.
const MAX_FIELDS: usize = 32;
/// Errors told of one request.
const MAX_ERRORS: usize = 100;

/// What is wrong with a request, field by field.
#[derive(Debug, Default)]
pub struct Errors(pub Vec<FieldError>);

impl Errors {
    pub fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        if self.0.len() < MAX_ERRORS {
            self.0.push(FieldError { field: field.into(), message: message.into() });
        }
    }
}

/// One object and the path to it: empty, `author` or `changes[3]`.
pub struct Object<'a> {
    at: String,
    fields: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'a> Object<'a> {
    /// Reads the object; none, and an error, when it is something else.
    pub fn read(raw: &'a str, at: String, errors: &mut Errors) -> Option<Self> {
        match serde_json::from_str::<Fields<'a>>(raw) {
            Ok(fields) => Some(Object { at, fields: fields.0 }),
            Err(_) => {
                errors.add(if at.is_empty() { "body".to_owned() } else { at }, "is an object");
                None
            }
        }
    }

    /// The path of a field.
    pub fn path(&self, name: &str) -> String {
        if self.at.is_empty() { name.to_owned() } else { format!("{}.{name}", self.at) }
    }

    /// Refuses every field but these, and those given twice. A field of `null_only` may be null.
    pub fn only(&self, known: &[&str], null_only: &[&str], errors: &mut Errors) {
        for (index, (name, value)) in self.fields.iter().enumerate() {
            let allowed =
                known.contains(&name.as_ref()) || (null_only.contains(&name.as_ref()) && value.get() == "null");
            if !allowed {
                errors.add(self.path(name), format!("unknown field `{name}`"));
            } else if self.fields[..index].iter().any(|(other, _)| other == name) {
                errors.add(self.path(name), "is given twice");
            }
        }
    }

    /// The text of a field's value, also of `null`; none: the field is left out.
    pub fn raw(&self, name: &str) -> Option<&'a str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.get())
    }

    /// A field that may be left out or null.
    pub fn optional(&self, name: &str) -> Option<&'a str> {
        self.raw(name).filter(|text| *text != "null")
    }

    /// A field that has to be there.
    pub fn required(&self, name: &str, errors: &mut Errors) -> Option<&'a str> {
        let found = self.raw(name);
        if found.is_none() {
            errors.add(self.path(name), format!("missing field `{name}`"));
        }
        found
    }

    /// A field read by `parse`, whose error is told under the field's path.
    pub fn parsed<T>(
        &self,
        name: &str,
        raw: Option<&'a str>,
        errors: &mut Errors,
        parse: impl FnOnce(&'a str) -> Result<T, String>,
    ) -> Option<T> {
        match parse(raw?) {
            Ok(value) => Some(value),
            Err(message) => {
                errors.add(self.path(name), message);
                None
            }
        }
    }
}

/// A string of JSON.
pub fn text(raw: &str) -> Result<String, String> {
    if !raw.starts_with('"') {
        return Err("is a string".to_owned());
    }
    serde_json::from_str(raw).map_err(|_| "is not valid Unicode".to_owned())
}

/// A string of at most so many characters that PostgreSQL can hold.
pub fn short_text(raw: &str, least: usize, most: usize) -> Result<String, String> {
    let text = text(raw)?;
    if !(least..=most).contains(&text.chars().count()) {
        return Err(format!("has {least} to {most} characters"));
    }
    if text.contains('\0') { Err("has no NUL".to_owned()) } else { Ok(text) }
}

/// Each item of an array in turn, up to `most`; answers how many there are. None: it is no array.
pub fn each_item<'a>(raw: &'a str, most: usize, item: impl FnMut(usize, &'a RawValue)) -> Option<usize> {
    serde::Deserializer::deserialize_seq(&mut serde_json::Deserializer::from_str(raw), Items { most, item }).ok()
}

struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(Name(name)) = map.next_key()? {
            match fields.len() < MAX_FIELDS {
                true => fields.push((name, map.next_value()?)),
                false => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Fields(fields))
    }
}

struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Owned(text.to_owned())))
    }
}

struct Items<F> {
    most: usize,
    item: F,
}

impl<'de, F: FnMut(usize, &'de RawValue)> Visitor<'de> for Items<F> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<usize, A::Error> {
        let mut count = 0;
        while count < self.most {
            let Some(raw) = items.next_element::<&RawValue>()? else { return Ok(count) };
            (self.item)(count, raw);
            count += 1;
        }
        while items.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(count)
    }
}
