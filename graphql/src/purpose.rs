//! What an operation is for, told from its text alone, so that it can be refused before it costs anything.

use std::collections::HashSet;

use async_graphql::{
    Positioned,
    parser::types::{
        DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
    },
};

/// What an operation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Signing in and nothing else: open to the signed-out.
    SignIn,
    /// Asking what the schema is and nothing else.
    Introspection,
    /// Any other query.
    Query,
    /// Any other mutation.
    Mutation,
    /// A subscription.
    Subscription,
}

impl Purpose {
    /// The purpose of the operation that will be executed. When it is not clear which one that is, execution refuses it;
    /// until then it counts as a query.
    pub fn of(document: &ExecutableDocument, operation_name: Option<&str>) -> Self {
        let Some(operation) = chosen(&document.operations, operation_name) else { return Self::Query };
        let mut fields = HashSet::new();
        root_fields(document, &operation.node.selection_set, &mut HashSet::new(), &mut fields);
        fields.remove("__typename");
        let only = |names: &[&str]| !fields.is_empty() && fields.iter().all(|field| names.contains(field));
        match operation.node.ty {
            OperationType::Mutation if only(&["signIn"]) => Self::SignIn,
            OperationType::Mutation => Self::Mutation,
            OperationType::Query if only(&["__schema", "__type"]) => Self::Introspection,
            OperationType::Query => Self::Query,
            OperationType::Subscription => Self::Subscription,
        }
    }

    /// The word for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Introspection => "introspection",
            Self::Query => "query",
            Self::Mutation => "mutation",
            Self::Subscription => "subscription",
        }
    }
}

fn chosen<'a>(operations: &'a DocumentOperations, name: Option<&str>) -> Option<&'a Positioned<OperationDefinition>> {
    match (operations, name) {
        (DocumentOperations::Single(operation), _) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => operations.values().next(),
        (DocumentOperations::Multiple(_), None) => None,
    }
}

/// Collects the names of root fields, also of those behind fragments. `seen` ends cycles of fragments.
fn root_fields<'a>(
    document: &'a ExecutableDocument,
    selections: &'a Positioned<SelectionSet>,
    seen: &mut HashSet<&'a str>,
    fields: &mut HashSet<&'a str>,
) {
    for selection in &selections.node.items {
        match &selection.node {
            Selection::Field(field) => {
                fields.insert(field.node.name.node.as_str());
            }
            Selection::InlineFragment(fragment) => root_fields(document, &fragment.node.selection_set, seen, fields),
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                if let Some(fragment) = document.fragments.get(name).filter(|_| seen.insert(name.as_str())) {
                    root_fields(document, &fragment.node.selection_set, seen, fields);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn purpose(query: &str, name: Option<&str>) -> Purpose {
        Purpose::of(&parse_query(query).expect("the test's query parses"), name)
    }

    #[test]
    fn signing_in_is_recognised_only_when_it_is_alone() {
        assert_eq!(
            purpose("mutation { signIn(email: \"\", password: \"\") { token } __typename }", None),
            Purpose::SignIn
        );
        assert_eq!(purpose("mutation { in: signIn { token } signOut }", None), Purpose::Mutation);
        assert_eq!(purpose("mutation { signIn: signOut }", None), Purpose::Mutation);
        assert_eq!(purpose("mutation { ...a } fragment a on Mutation { signIn signOut }", None), Purpose::Mutation);
        assert_eq!(purpose("mutation { ... on Mutation { signIn } }", None), Purpose::SignIn);
        assert_eq!(purpose("query { signIn }", None), Purpose::Query);
    }

    #[test]
    fn the_operation_that_is_executed_counts() {
        let two = "mutation in { signIn { token } } query out { me { id } }";
        assert_eq!(purpose(two, Some("in")), Purpose::SignIn);
        assert_eq!(purpose(two, Some("out")), Purpose::Query);
        assert_eq!(purpose(two, None), Purpose::Query);
        assert_eq!(purpose("mutation in { signIn { token } }", None), Purpose::SignIn);
    }

    #[test]
    fn introspection_is_recognised_only_when_it_is_alone() {
        assert_eq!(
            purpose("{ __schema { types { name } } __type(name: \"Match\") { name } }", None),
            Purpose::Introspection
        );
        assert_eq!(purpose("{ __schema { types { name } } me { id } }", None), Purpose::Query);
        assert_eq!(purpose("{ __typename }", None), Purpose::Query);
    }

    #[test]
    fn fragments_in_a_circle_end() {
        assert_eq!(purpose("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }", None), Purpose::Query);
    }
}
