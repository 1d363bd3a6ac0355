//! Checks a document against the schema before anything is done, with GitHub's messages.

use std::collections::HashSet;

use graphql_parser::Pos;
use graphql_parser::query::{
    Directive, Field, Selection, SelectionSet, TypeCondition, Value as Ast, VariableDefinition,
};
use graphql_parser::schema::Type;
use serde_json::{Map, Value, json};

use super::arguments::plain;
use super::coerce::misfits;
use super::document::{Document, Operation, Text};
use super::schema::{FieldDefinition, FieldType, InputDefinition, Named, Schema, base};

/// The errors of a document; none: it may be carried out.
pub(super) fn errors(document: &Document, operation: &Operation) -> Vec<Value> {
    let mut validator =
        Validator { schema: Schema::get(), document, operation, used: HashSet::new(), errors: Vec::new() };
    let root = if operation.is_mutation { "Mutation" } else { "Query" };
    let mut path = vec![json!(root.to_ascii_lowercase())];
    validator.selection(root, &operation.selection, &mut path, 0);
    validator.variables();
    validator.errors
}

struct Validator<'a> {
    schema: &'static Schema,
    document: &'a Document,
    operation: &'a Operation,
    used: HashSet<String>,
    errors: Vec<Value>,
}

/// Deeper nesting of fragments is a circle.
const DEPTH: usize = 50;

impl Validator<'_> {
    fn error(&mut self, path: &[Value], at: Pos, message: String, extensions: Value) {
        self.errors.push(json!({
            "path": path,
            "extensions": extensions,
            "locations": [{ "line": at.line, "column": at.column }],
            "message": message,
        }));
    }

    fn selection(&mut self, typename: &str, set: &SelectionSet<'static, Text>, path: &mut Vec<Value>, depth: usize) {
        if depth > DEPTH {
            let message = "The document is nested too deeply".to_owned();
            return self.error(path, Pos::default(), message, json!({}));
        }
        for item in &set.items {
            match item {
                Selection::Field(field) => self.field(typename, field, path, depth),
                Selection::InlineFragment(it) => {
                    self.directives(&it.directives);
                    let on = match &it.type_condition {
                        Some(TypeCondition::On(name)) => name.clone(),
                        None => typename.to_owned(),
                    };
                    self.fragment(&on, (&it.selection_set, it.position), path, depth);
                }
                Selection::FragmentSpread(it) => {
                    self.directives(&it.directives);
                    let document = self.document;
                    match document.fragment(&it.fragment_name) {
                        Some(fragment) => {
                            let TypeCondition::On(on) = &fragment.type_condition;
                            let inner = (&fragment.selection_set, fragment.position);
                            self.fragment(on, inner, path, depth);
                        }
                        None => {
                            let name = &it.fragment_name;
                            let message = format!("Fragment {name} was used, but not defined");
                            let extensions = json!({ "code": "useAndDefineFragment" });
                            self.error(path, it.position, message, extensions);
                        }
                    }
                }
            }
        }
    }

    fn fragment(
        &mut self,
        on: &str,
        (set, at): (&SelectionSet<'static, Text>, Pos),
        path: &mut Vec<Value>,
        depth: usize,
    ) {
        if self.schema.has_selections(on) {
            return self.selection(on, set, path, depth + 1);
        }
        let message = format!("No such type {on}, so it can't be a fragment condition");
        let extensions = json!({ "code": "undefinedType", "typeName": on });
        self.error(path, at, message, extensions);
    }

    fn field(&mut self, typename: &str, field: &Field<'static, Text>, path: &mut Vec<Value>, depth: usize) {
        self.directives(&field.directives);
        if field.name == "__typename" {
            return;
        }
        path.push(json!(field.alias.as_ref().unwrap_or(&field.name)));
        match self.schema.field(typename, &field.name) {
            Some(definition) => {
                self.arguments(definition, field, path);
                self.below(definition, field, path, depth);
            }
            None => {
                let name = &field.name;
                let message = format!("Field '{name}' doesn't exist on type '{typename}'");
                let extensions = json!({
                    "code": "undefinedField", "typeName": typename, "fieldName": name,
                });
                self.error(path, field.position, message, extensions);
            }
        }
        path.pop();
    }

    fn below(
        &mut self,
        definition: &FieldDefinition,
        field: &Field<'static, Text>,
        path: &mut Vec<Value>,
        depth: usize,
    ) {
        let name = base(&definition.field_type).to_owned();
        let selected = !field.selection_set.items.is_empty();
        match (self.schema.has_selections(&name), selected) {
            (true, true) => self.selection(&name, &field.selection_set, path, depth + 1),
            (false, false) => {}
            (true, false) => {
                let own = &field.name;
                let message = format!(
                    "Field must have selections (field '{own}' returns {name} but has no \
                     selections. Did you mean '{own} {{ ... }}'?)"
                );
                let extensions = json!({ "code": "selectionMismatch" });
                self.error(path, field.position, message, extensions);
            }
            (false, true) => {
                let message = format!(
                    "Selections can't be made on scalars (field '{}' returns {name} but has \
                     selections)",
                    field.name
                );
                let extensions = json!({ "code": "selectionMismatch" });
                self.error(path, field.position, message, extensions);
            }
        }
    }

    fn arguments(&mut self, definition: &FieldDefinition, field: &Field<'static, Text>, path: &[Value]) {
        for (name, value) in &field.arguments {
            match definition.arguments.iter().find(|it| it.name == *name) {
                Some(argument) => self.argument(argument, value, field, path),
                None => {
                    let own = &field.name;
                    let message = format!("Field '{own}' doesn't accept argument '{name}'");
                    let extensions = json!({
                        "code": "argumentNotAccepted", "name": own, "argumentName": name,
                    });
                    self.error(path, field.position, message, extensions);
                }
            }
        }
        let required = definition.arguments.iter().filter(|it| is_required(it));
        let missing: Vec<&str> = required
            .filter(|it| !field.arguments.iter().any(|(name, _)| *name == it.name))
            .map(|it| it.name.as_str())
            .collect();
        if !missing.is_empty() {
            let (own, list) = (&field.name, missing.join(", "));
            let message = format!("Field '{own}' is missing required arguments: {list}");
            let extensions = json!({ "code": "missingRequiredArguments", "arguments": list });
            self.error(path, field.position, message, extensions);
        }
    }

    fn argument(
        &mut self,
        argument: &InputDefinition,
        value: &Ast<'static, Text>,
        field: &Field<'static, Text>,
        path: &[Value],
    ) {
        self.uses((&argument.name, &argument.value_type), value, field, path);
        if has_variables(value) {
            return;
        }
        let given = plain(value, &Map::new());
        if !misfits(self.schema, &argument.value_type, &given).is_empty() {
            let message = format!(
                "Argument '{}' on Field '{}' has an invalid value ({value}). Expected type '{}'.",
                argument.name, field.name, argument.value_type
            );
            let extensions = json!({
                "code": "argumentLiteralsIncompatible", "argumentName": argument.name,
            });
            self.error(path, field.position, message, extensions);
        }
    }

    /// The variables within a value: declared, and of a type that fits where they stand.
    fn uses(
        &mut self,
        (name, wanted): (&str, &FieldType),
        value: &Ast<'static, Text>,
        field: &Field<'static, Text>,
        path: &[Value],
    ) {
        match value {
            Ast::Variable(variable) => self.variable(variable, (name, wanted), field, path),
            Ast::List(items) => {
                let inner = item_type(wanted);
                for item in items {
                    self.uses((name, inner), item, field, path);
                }
            }
            Ast::Object(fields) => {
                let schema = self.schema;
                let Some(Named::Input(definitions)) = schema.named(base(wanted)) else {
                    return;
                };
                for (key, value) in fields {
                    if let Some(own) = definitions.iter().find(|it| it.name == *key) {
                        self.uses((key, &own.value_type), value, field, path);
                    }
                }
            }
            _ => {}
        }
    }

    fn variable(
        &mut self,
        variable: &str,
        (argument, wanted): (&str, &FieldType),
        field: &Field<'static, Text>,
        path: &[Value],
    ) {
        self.used.insert(variable.to_owned());
        let declared = self.operation.variables.iter().find(|it| it.name == variable);
        let Some(declared) = declared else {
            let message = format!("Variable ${variable} is used by anonymous query but not declared");
            let extensions = json!({ "code": "variableNotDefined", "variableName": variable });
            return self.error(path, field.position, message, extensions);
        };
        if !fits(&declared.var_type, wanted, declared.default_value.is_some()) {
            let message = format!(
                "Type mismatch on variable ${variable} and argument {argument} ({} / {wanted})",
                declared.var_type
            );
            let extensions = json!({ "code": "variableMismatch", "variableName": variable });
            self.error(path, field.position, message, extensions);
        }
    }

    fn directives(&mut self, directives: &[Directive<'static, Text>]) {
        for directive in directives {
            for (_, value) in &directive.arguments {
                if let Ast::Variable(name) = value {
                    self.used.insert(name.clone());
                }
            }
        }
    }

    fn variables(&mut self) {
        for declared in &self.operation.variables {
            if !self.used.contains(&declared.name) {
                let name = &declared.name;
                let message = format!("Variable ${name} is declared by anonymous query but not used");
                let extensions = json!({ "code": "variableNotUsed", "variableName": name });
                self.error(&[json!("query")], declared.position, message, extensions);
            }
            self.given(declared);
        }
    }

    /// The value a variable has.
    fn given(&mut self, declared: &VariableDefinition<'static, Text>) {
        let given = self.document.variables.get(&declared.name);
        if given.is_none() && declared.default_value.is_some() {
            return;
        }
        let value = given.unwrap_or(&Value::Null);
        let wrong = misfits(self.schema, &declared.var_type, value);
        if wrong.is_empty() {
            return;
        }
        let list: Vec<String> = wrong.iter().map(|it| it.text()).collect();
        let message = format!(
            "Variable ${} of type {} was provided invalid value for {}",
            declared.name,
            declared.var_type,
            list.join(", ")
        );
        let problems: Vec<Value> = wrong.iter().map(|it| it.json()).collect();
        let extensions = json!({ "value": value, "problems": problems });
        self.error(&[], declared.position, message, extensions);
    }
}

fn is_required(argument: &InputDefinition) -> bool {
    matches!(argument.value_type, Type::NonNullType(_)) && argument.default_value.is_none()
}

fn item_type(of: &FieldType) -> &FieldType {
    match of {
        Type::NonNullType(inner) => item_type(inner),
        Type::ListType(inner) => inner,
        named => named,
    }
}

fn has_variables(value: &Ast<'static, Text>) -> bool {
    match value {
        Ast::Variable(_) => true,
        Ast::List(items) => items.iter().any(has_variables),
        Ast::Object(fields) => fields.values().any(has_variables),
        _ => false,
    }
}

/// Whether a variable of one type may stand where another is wanted.
fn fits(own: &FieldType, wanted: &FieldType, has_default: bool) -> bool {
    match (own, wanted) {
        (Type::NonNullType(own), Type::NonNullType(wanted)) => fits(own, wanted, false),
        (own, Type::NonNullType(wanted)) => has_default && fits(own, wanted, false),
        (Type::NonNullType(own), wanted) => fits(own, wanted, false),
        (Type::ListType(own), Type::ListType(wanted)) => fits(own, wanted, false),
        (Type::NamedType(own), Type::NamedType(wanted)) => own == wanted,
        (own, Type::ListType(wanted)) => fits(own, wanted, false),
        (Type::ListType(_), Type::NamedType(_)) => false,
    }
}
