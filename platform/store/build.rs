//! The migrations are embedded by a macro, which cannot tell cargo about a file that is added.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
