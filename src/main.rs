//! The program: parse, dispatch, exit code.

fn main() -> std::process::ExitCode {
    offrecord::cli::main()
}
