//! The project's own commands: `cargo xtask test`, `cargo xtask bench`.
fn main() {}
