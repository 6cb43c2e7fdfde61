//! The program: parse, dispatch, exit code.

fn main() -> std::process::ExitCode {
    // A child that reads a stranger's document is nothing but that.
    offrecord::documents::extract::asked_for().unwrap_or_else(offrecord::cli::main)
}
