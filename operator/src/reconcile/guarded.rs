//! Writes that hold only while something is what it was: JSON patches (RFC 6902) that begin with tests.
//!
//! The API server does the tests and the write as one, and by itself again when somebody else was faster; a patch that names a
//! version instead is refused whatever the other has written, and under a storm of writes it never gets through.

use json_patch::{AddOperation, PatchOperation, RemoveOperation, TestOperation, jsonptr::PointerBuf};
use kube::api::{Patch, PatchParams};
use serde_json::Value;

use super::Error;
use crate::context::FIELD_MANAGER;

/// The value under `path` is `value`.
pub fn is(path: &[&str], value: Value) -> PatchOperation {
    PatchOperation::Test(TestOperation { path: pointer(path), value })
}

/// `value` under `path`, whatever was there.
pub fn put(path: &[&str], value: Value) -> PatchOperation {
    PatchOperation::Add(AddOperation { path: pointer(path), value })
}

/// Nothing under `path`, where something was.
pub fn remove(path: &[&str]) -> PatchOperation {
    PatchOperation::Remove(RemoveOperation { path: pointer(path) })
}

/// All of them in order, or nothing.
pub fn patch(operations: impl IntoIterator<Item = PatchOperation>) -> Patch<()> {
    Patch::Json(json_patch::Patch(operations.into_iter().collect()))
}

/// In the name of the operator.
pub fn parameters() -> PatchParams {
    PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() }
}

/// What an answer to such a patch means: a test that fails is a conflict.
pub fn refused(error: kube::Error) -> Error {
    match &error {
        // An object that is not valid is named; a patch that does not fit is not.
        kube::Error::Api(status)
            if status.code == 422 && status.details.as_ref().is_none_or(|details| details.name.is_empty()) =>
        {
            Error::Conflict(error)
        }
        _ => error.into(),
    }
}

fn pointer(path: &[&str]) -> PointerBuf {
    PointerBuf::from_tokens(path.iter().copied())
}

#[cfg(test)]
mod tests {
    use kube::core::Status;
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_are_escaped() {
        let text = serde_json::to_value(remove(&["metadata", "annotations", "muster.dev/rotate"])).unwrap();
        assert_eq!(text, json!({ "op": "remove", "path": "/metadata/annotations/muster.dev~1rotate" }));
    }

    #[test]
    fn a_failed_test_is_a_conflict_and_a_wrong_value_is_not() {
        let answered = |name: &str| {
            let details = serde_json::from_value(json!({ "name": name })).unwrap();
            let status = Status::failure("no", "Invalid").with_code(422).with_details(details);
            refused(kube::Error::Api(status.boxed())).class()
        };
        assert_eq!(answered(""), super::super::Class::Conflict);
        assert_eq!(answered("token"), super::super::Class::Invalid);
    }
}
