//! Carries a document out: selections, aliases, fragments, directives, errors with their paths.

use std::collections::HashMap;

use graphql_parser::query::{Directive, Field as Written, Selection, SelectionSet, TypeCondition};
use serde_json::{Map, Value, json};

use super::arguments::{Arguments, plain};
use super::document::{Document, Text};
use super::objects::Node;
use super::schema::Schema;
use super::validate;
use super::value::{Failure, Resolved};
use crate::call::Call;

/// What resolvers are given.
pub(crate) struct Context<'a> {
    pub(crate) call: &'a Call<'a>,
    document: &'a Document,
    variables: Map<String, Value>,
    errors: Vec<Value>,
}

/// The answer's body.
pub(crate) fn run(call: &Call<'_>, document: &Document) -> Value {
    let Some(operation) = document.operation() else {
        return json!({ "errors": [{ "message": "An operation must be given." }] });
    };
    let errors = validate::errors(document, operation);
    if !errors.is_empty() {
        let mut log = call.core.log();
        for error in &errors {
            log.unknown.push(format!("POST /graphql: {}", error["message"]));
        }
        return json!({ "errors": errors });
    }
    let mut variables = document.variables.clone();
    for definition in &operation.variables {
        if let Some(default) = &definition.default_value {
            let value = plain(default, &Map::new());
            variables.entry(definition.name.clone()).or_insert(value);
        }
    }
    let root = match operation.is_mutation {
        true => Node::Mutation,
        false => Node::Query,
    };
    let mut context = Context { call, document, variables, errors: Vec::new() };
    let data = context.object(&root, &operation.selection, &mut Vec::new());
    let mut answer = json!({ "data": data });
    if !context.errors.is_empty() {
        answer["errors"] = Value::Array(context.errors);
    }
    answer
}

impl Context<'_> {
    fn object(&mut self, node: &Node, selection: &SelectionSet<'static, Text>, path: &mut Vec<Value>) -> Value {
        let mut fields = Vec::new();
        self.collect(node, selection, &mut fields);
        let mut object = Map::new();
        let mut seen: HashMap<String, ()> = HashMap::new();
        for field in fields {
            let key = field.alias.clone().unwrap_or_else(|| field.name.clone());
            if seen.insert(key.clone(), ()).is_some() && field.selection_set.items.is_empty() {
                continue;
            }
            path.push(json!(key));
            let value = self.field(node, &field, path);
            path.pop();
            merge(&mut object, key, value);
        }
        Value::Object(object)
    }

    /// The fields that apply to this object, fragments unfolded.
    fn collect(&self, node: &Node, selection: &SelectionSet<'static, Text>, out: &mut Vec<Written<'static, Text>>) {
        for item in &selection.items {
            match item {
                Selection::Field(field) if self.is_wanted(&field.directives) => {
                    out.push(field.clone());
                }
                Selection::InlineFragment(it)
                    if self.is_wanted(&it.directives)
                        && it.type_condition.as_ref().is_none_or(|on| applies(node, on)) =>
                {
                    self.collect(node, &it.selection_set, out);
                }
                Selection::FragmentSpread(it) if self.is_wanted(&it.directives) => {
                    if let Some(fragment) = self.document.fragment(&it.fragment_name)
                        && applies(node, &fragment.type_condition)
                    {
                        self.collect(node, &fragment.selection_set, out);
                    }
                }
                _ => {}
            }
        }
    }

    /// `@skip(if:)` and `@include(if:)`.
    fn is_wanted(&self, directives: &[Directive<'static, Text>]) -> bool {
        directives.iter().all(|directive| {
            let arguments = Arguments::read(&directive.arguments, &self.variables);
            let condition = arguments.value("if").as_bool().unwrap_or(false);
            match directive.name.as_str() {
                "skip" => !condition,
                "include" => condition,
                _ => true,
            }
        })
    }

    fn field(&mut self, node: &Node, field: &Written<'static, Text>, path: &mut Vec<Value>) -> Value {
        if field.name == "__typename" {
            return json!(node.typename());
        }
        let arguments = Arguments::read(&field.arguments, &self.variables);
        match node.field(self.call, &field.name, &arguments) {
            Ok(resolved) => self.complete(resolved, field, path),
            Err(failure) => {
                self.fail(&failure, field, path);
                Value::Null
            }
        }
    }

    fn fail(&mut self, failure: &Failure, field: &Written<'static, Text>, path: &[Value]) {
        let at = field.position;
        self.errors.push(failure.json(path, at.line, at.column));
    }

    fn complete(&mut self, resolved: Resolved, field: &Written<'static, Text>, path: &mut Vec<Value>) -> Value {
        match resolved {
            Resolved::Null => Value::Null,
            Resolved::Scalar(value) => value,
            Resolved::Object(node) => self.object(&node, &field.selection_set, path),
            Resolved::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for (at, item) in items.into_iter().enumerate() {
                    path.push(json!(at));
                    list.push(self.complete_item(item, field, path));
                    path.pop();
                }
                Value::Array(list)
            }
        }
    }

    fn complete_item(&mut self, item: Resolved, field: &Written<'static, Text>, path: &mut Vec<Value>) -> Value {
        if let Resolved::Object(Node::Failed(failure)) = &item {
            self.fail(failure, field, path);
            return Value::Null;
        }
        self.complete(item, field, path)
    }
}

fn applies(node: &Node, condition: &TypeCondition<'static, Text>) -> bool {
    let TypeCondition::On(name) = condition;
    node.typename() == name || Schema::get().implements(node.typename(), name)
}

/// The same object selected twice has the fields of both.
fn merge(object: &mut Map<String, Value>, key: String, value: Value) {
    match (object.get_mut(&key), value) {
        (Some(Value::Object(old)), Value::Object(new)) => {
            for (key, value) in new {
                merge(old, key, value);
            }
        }
        (_, value) => {
            object.insert(key, value);
        }
    }
}
