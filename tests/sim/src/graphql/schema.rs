//! The trimmed schema, as looked up by name.

use std::collections::HashMap;
use std::sync::OnceLock;

use graphql_parser::schema::{Definition, Field, InputValue, Type, TypeDefinition, parse_schema};

use super::document::Text;

pub(super) type FieldType = Type<'static, Text>;
pub(super) type FieldDefinition = Field<'static, Text>;
pub(super) type InputDefinition = InputValue<'static, Text>;

/// A named type.
pub(super) enum Named {
    Scalar,
    Enum(Vec<String>),
    Input(Vec<InputDefinition>),
    /// An object or interface, with the interfaces it implements.
    Fields(Vec<FieldDefinition>, Vec<String>),
}

/// All types.
pub(super) struct Schema {
    types: HashMap<String, Named>,
}

const BUILT_IN: &[&str] = &["String", "Int", "Float", "Boolean", "ID"];

impl Schema {
    /// The one there is, parsed once.
    pub(super) fn get() -> &'static Schema {
        static SCHEMA: OnceLock<Schema> = OnceLock::new();
        SCHEMA.get_or_init(|| Schema::parse(include_str!("schema.graphql")))
    }

    fn parse(text: &str) -> Schema {
        let parsed = parse_schema::<Text>(text).map(|it| it.into_static());
        let definitions = parsed.map(|it| it.definitions).unwrap_or_default();
        let mut types: HashMap<String, Named> =
            BUILT_IN.iter().map(|name| ((*name).to_owned(), Named::Scalar)).collect();
        let mut unions = Vec::new();
        for definition in definitions {
            if let Definition::TypeDefinition(TypeDefinition::Union(it)) = &definition {
                unions.push((it.name.clone(), it.types.clone()));
            }
            if let Definition::TypeDefinition(definition) = definition
                && let Some((name, named)) = read(definition)
            {
                types.insert(name, named);
            }
        }
        for (name, members) in unions {
            for member in members {
                if let Some(Named::Fields(_, interfaces)) = types.get_mut(&member) {
                    interfaces.push(name.clone());
                }
            }
        }
        Schema { types }
    }

    pub(super) fn named(&self, name: &str) -> Option<&Named> {
        self.types.get(name)
    }

    pub(super) fn field(&self, typename: &str, name: &str) -> Option<&FieldDefinition> {
        match self.named(typename)? {
            Named::Fields(fields, _) => fields.iter().find(|it| it.name == name),
            _ => None,
        }
    }

    pub(super) fn implements(&self, typename: &str, interface: &str) -> bool {
        match self.named(typename) {
            Some(Named::Fields(_, interfaces)) => interfaces.iter().any(|it| it == interface),
            _ => false,
        }
    }

    pub(super) fn has_selections(&self, typename: &str) -> bool {
        matches!(self.named(typename), Some(Named::Fields(..)))
    }
}

fn read(definition: TypeDefinition<'static, Text>) -> Option<(String, Named)> {
    Some(match definition {
        TypeDefinition::Scalar(it) => (it.name, Named::Scalar),
        TypeDefinition::Enum(it) => {
            let values = it.values.into_iter().map(|value| value.name).collect();
            (it.name, Named::Enum(values))
        }
        TypeDefinition::InputObject(it) => (it.name, Named::Input(it.fields)),
        TypeDefinition::Object(it) => (it.name, Named::Fields(it.fields, it.implements_interfaces)),
        TypeDefinition::Interface(it) => (it.name, Named::Fields(it.fields, it.implements_interfaces)),
        // Its members name it among their interfaces; it has no fields of its own.
        TypeDefinition::Union(it) => (it.name, Named::Fields(Vec::new(), Vec::new())),
    })
}

/// The name at the core of a type.
pub(super) fn base(of: &FieldType) -> &str {
    match of {
        Type::NamedType(name) => name,
        Type::ListType(inner) | Type::NonNullType(inner) => base(inner),
    }
}
