//! A network namespace that has only a loopback interface, and `strace` to see every address that the program tries.

use std::path::Path;
use std::process::{Command, Stdio};

/// Set for the copy of a test that runs inside the namespace.
const INSIDE: &str = "OFFRECORD_TEST_INSIDE";

/// Runs `inside` in a namespace of its own: this test binary is started once more for the test `name`.
pub fn without_a_network(name: &str, inside: impl FnOnce() -> usize) {
    if std::env::var_os(INSIDE).is_some() {
        assert!(std::net::TcpStream::connect("1.1.1.1:443").is_err(), "this namespace has a network");
        let operations = inside();
        println!("operations: {operations}, connections beyond this machine: 0");
        return;
    }
    let output = Command::new("unshare")
        .args([
            "--map-root-user",
            "--net",
            "--",
            "sh",
            "-c",
            "ip link set lo up && exec \"$0\" --exact \"$1\" --nocapture",
        ])
        .arg(std::env::current_exe().expect("this test's file"))
        .arg(name)
        .env(INSIDE, "1")
        .output()
        .expect("unshare (package util-linux) runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(
        output.status.success(),
        "in a network namespace of its own (needs unprivileged user namespaces or root): {said:.3000}"
    );
    assert!(said.contains("1 passed") && said.contains("connections beyond this machine: 0"), "{said:.3000}");
}

/// The program under `strace`, which writes down every address that it or a child of it speaks to.
pub fn traced(trace: &Path, folder: &Path) -> Command {
    let mut command = Command::new("strace");
    command
        .args(["-f", "--seccomp-bpf", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o"])
        .arg(trace)
        .arg(env!("CARGO_BIN_EXE_offrecord"))
        .env("HOME", folder)
        .env("OFFRECORD_DATA_DIR", folder.join("data"))
        .env("OFFRECORD_OFFLINE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

/// The calls that name an internet address other than a loopback one.
pub fn attempts(trace: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(trace).expect("strace wrote");
    let loopback = |line: &&str| line.contains("inet_addr(\"127.") || line.contains("\"::1\"");
    text.lines().filter(|line| line.contains("AF_INET")).filter(|line| !loopback(line)).map(str::to_owned).collect()
}
