//! A GraphQL request as sent: document, variables, chosen operation.

use graphql_parser::query::{
    Definition, FragmentDefinition, OperationDefinition, Selection, SelectionSet, VariableDefinition, parse_query,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::http::message::Request;

pub(crate) type Text = String;

/// Why a request is no document at all.
#[derive(Clone, Debug)]
pub(crate) enum Problem {
    NotJson,
    NoQuery,
    Syntax(String),
}

/// A parsed request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Document {
    pub(crate) variables: Map<String, Value>,
    pub(crate) problem: Option<Problem>,
    operation: Option<Operation>,
    fragments: Vec<FragmentDefinition<'static, Text>>,
}

/// The operation that is to be carried out.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) is_mutation: bool,
    pub(crate) selection: SelectionSet<'static, Text>,
    pub(crate) variables: Vec<VariableDefinition<'static, Text>>,
}

#[derive(Deserialize)]
struct Body {
    query: Option<String>,
    #[serde(default)]
    variables: Option<Map<String, Value>>,
    #[serde(default, rename = "operationName")]
    operation_name: Option<String>,
}

impl Document {
    pub(crate) fn read(request: &Request) -> Document {
        let parsed: Result<Body, _> = serde_json::from_slice(&request.body);
        let Ok(body) = parsed else {
            return Document::broken(Problem::NotJson);
        };
        let Some(query) = body.query else {
            return Document::broken(Problem::NoQuery);
        };
        let parsed = match parse_query::<Text>(&query) {
            Ok(parsed) => parsed.into_static(),
            Err(error) => return Document::broken(Problem::Syntax(error.to_string())),
        };
        let mut document = Document { variables: body.variables.unwrap_or_default(), ..Document::default() };
        for definition in parsed.definitions {
            match definition {
                Definition::Fragment(fragment) => document.fragments.push(fragment),
                Definition::Operation(operation) => {
                    let (name, operation) = read_operation(operation);
                    let wanted = body.operation_name.is_none() || body.operation_name == name;
                    if wanted && document.operation.is_none() {
                        document.operation = Some(operation);
                    }
                }
            }
        }
        if document.operation.is_none() {
            let message = "No operation of that name is in the document.".to_owned();
            document.problem = Some(Problem::Syntax(message));
        }
        document
    }

    fn broken(problem: Problem) -> Document {
        Document { problem: Some(problem), ..Document::default() }
    }

    pub(crate) fn operation(&self) -> Option<&Operation> {
        self.operation.as_ref()
    }

    pub(crate) fn fragment(&self, name: &str) -> Option<&FragmentDefinition<'static, Text>> {
        self.fragments.iter().find(|it| it.name == name)
    }

    pub(crate) fn is_mutation(&self) -> bool {
        self.operation.as_ref().is_some_and(|it| it.is_mutation)
    }

    /// The names of the top fields.
    pub(crate) fn operations(&self) -> Vec<String> {
        let items = self.operation.iter().flat_map(|it| &it.selection.items);
        items
            .filter_map(|item| match item {
                Selection::Field(field) => Some(field.name.clone()),
                _ => None,
            })
            .collect()
    }
}

fn read_operation(definition: OperationDefinition<'static, Text>) -> (Option<String>, Operation) {
    let (name, is_mutation, selection, variables) = match definition {
        OperationDefinition::SelectionSet(selection) => (None, false, selection, Vec::new()),
        OperationDefinition::Query(it) => (it.name, false, it.selection_set, it.variable_definitions),
        OperationDefinition::Mutation(it) => (it.name, true, it.selection_set, it.variable_definitions),
        OperationDefinition::Subscription(it) => (it.name, false, it.selection_set, it.variable_definitions),
    };
    let operation = Operation { is_mutation, selection, variables };
    (name, operation)
}
