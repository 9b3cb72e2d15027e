//! The committed definitions are what the program prints.

use std::process::Command;

/// What `muster-operator crds` prints.
pub fn printed() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_muster-operator")).arg("crds").output().expect("the program starts");
    assert!(output.status.success(), "`crds` failed: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("YAML is UTF-8")
}

#[test]
fn committed_definitions_are_current() {
    let committed = include_str!("../../crds.yaml");
    assert!(committed == printed(), "operator/crds.yaml is out of date; renew it: cargo xtask crds");
}

#[test]
fn two_runs_print_the_same_bytes() {
    assert_eq!(printed(), printed());
}
