//! Arguments of a field, variables filled in.

use graphql_parser::query::Value as Ast;
use serde_json::{Map, Value, json};

use super::document::Text;
use super::value::Failure;

/// Arguments by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arguments(Map<String, Value>);

impl Arguments {
    pub(crate) fn read(written: &[(Text, Ast<'static, Text>)], variables: &Map<String, Value>) -> Arguments {
        let pairs = written.iter();
        Arguments(pairs.map(|(name, value)| (name.clone(), plain(value, variables))).collect())
    }

    pub(crate) fn value(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.value(name).as_str()
    }

    /// A string that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str, Failure> {
        self.text(name).ok_or_else(|| Failure::new("ARGUMENT", format!("Argument '{name}' is required")))
    }

    /// A mutation's `input`.
    pub(crate) fn input(&self) -> &Value {
        self.value("input")
    }

    /// A number that is not negative.
    pub(crate) fn count(&self, name: &str) -> Option<usize> {
        usize::try_from(self.value(name).as_u64()?).ok()
    }
}

/// A written value as JSON.
pub(crate) fn plain(value: &Ast<'static, Text>, variables: &Map<String, Value>) -> Value {
    match value {
        Ast::Variable(name) => variables.get(name).cloned().unwrap_or_default(),
        Ast::Int(number) => json!(number.as_i64()),
        Ast::Float(number) => json!(number),
        Ast::String(text) => json!(text),
        Ast::Enum(name) => json!(name),
        Ast::Boolean(flag) => json!(flag),
        Ast::Null => Value::Null,
        Ast::List(items) => items.iter().map(|it| plain(it, variables)).collect(),
        Ast::Object(fields) => {
            let fields = fields.iter();
            Value::Object(fields.map(|(name, value)| (name.clone(), plain(value, variables))).collect())
        }
    }
}
