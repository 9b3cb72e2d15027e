//! The program's settings.

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_muster-operator")).args(arguments).output().expect("the program starts")
}

#[test]
fn the_defaults_are_valid_and_are_printed() {
    let checked = run(&["--check-config"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let printed = String::from_utf8(run(&["--print-config"]).stdout).expect("TOML is UTF-8");
    for line in ["listen = \"127.0.0.1:7431\"", "lease_name = \"muster-operator\"", "lease_duration = \"15s\""] {
        assert!(printed.contains(line), "{line} is not in\n{printed}");
    }
}

#[test]
fn a_mistake_is_named() {
    let checked = run(&["--check-config", "--set", "operator.lease_duration=1ms"]);
    assert_eq!(checked.status.code(), Some(2));
    let told = String::from_utf8_lossy(&checked.stderr).into_owned() + &String::from_utf8_lossy(&checked.stdout);
    assert!(told.contains("operator.lease_duration"), "{told}");
}
