//! A machine with nothing on it: a root folder that holds the C library and a kit on a read-only mount, and no network.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Set for the copy of a test that runs inside the namespaces.
const INSIDE: &str = "OFFRECORD_TEST_INSIDE";

pub fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Runs the named test of this very file again, as root of namespaces of its own: mounts and network.
pub fn again_inside(test: &str, environment: &[(&str, &Path)]) {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "--net", "--", "sh", "-c"]);
    command.arg("ip link set lo up && exec \"$0\" --exact \"$1\" --nocapture");
    command.arg(std::env::current_exe().expect("this test's file")).arg(test).env(INSIDE, "1");
    command.envs(environment.iter().copied());
    let output = command.output().expect("unshare (package util-linux) runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "in namespaces of its own: {said:.4000}");
}

fn must(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The root folder of the bare machine; the kit is at `/kit`, and only `/tmp` can be written.
pub struct Machine {
    root: PathBuf,
}

impl Machine {
    /// Inside the namespaces only. `programs` are there beside the kit, such as `sh`.
    pub fn with(root: &Path, kit: &Path, programs: &[&str]) -> Self {
        must(Command::new("mount").args(["-t", "tmpfs", "none"]).arg(root));
        let mut files = vec![PathBuf::from("/lib64/ld-linux-x86-64.so.2")];
        files.extend(libraries(&kit.join("offrecord")));
        for program in programs {
            let path = ["/usr/bin", "/bin"].iter().map(|dir| Path::new(dir).join(program)).find(|path| path.exists());
            let path = path.unwrap_or_else(|| panic!("{program} is not on this machine"));
            files.extend(libraries(&path));
            let target = root.join("bin").join(program);
            std::fs::create_dir_all(root.join("bin")).expect("a folder");
            std::fs::copy(&path, target).expect("copied");
        }
        for file in files {
            let target = root.join(file.strip_prefix("/").expect("absolute"));
            std::fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
            std::fs::copy(&file, &target).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        }
        std::fs::create_dir(root.join("tmp")).expect("a folder");
        std::fs::create_dir(root.join("dev")).expect("a folder");
        std::fs::write(root.join("dev/null"), "").expect("written");
        must(Command::new("mount").args(["--bind", "/dev/null"]).arg(root.join("dev/null")));
        mount_read_only(kit, &root.join("kit"));
        if cfg!(debug_assertions) {
            // A development build reads these from its source tree; a release build holds them.
            for folder in ["prompts", "web"] {
                let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
                mount_read_only(&folder, &root.join(folder.strip_prefix("/").expect("absolute")));
            }
        }
        must(Command::new("mount").args(["-t", "tmpfs", "none"]).arg(root.join("tmp")));
        must(Command::new("mount").args(["-o", "remount,ro"]).arg(root));
        Self { root: root.to_owned() }
    }

    /// A program of the machine, with no environment but a search path.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("chroot");
        command.arg(&self.root).arg(program).env_clear().env("PATH", "/bin:/usr/bin:/usr/sbin:/sbin");
        command.stdin(Stdio::null());
        command
    }

    /// A path of the machine, seen from outside.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }
}

fn mount_read_only(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    must(Command::new("mount").arg("--bind").arg(from).arg(to));
    must(Command::new("mount").args(["-o", "remount,bind,ro"]).arg(to));
    let refused = std::fs::write(to.join("x"), "x").expect_err("it is read-only");
    assert_eq!(refused.kind(), std::io::ErrorKind::ReadOnlyFilesystem);
}

/// The shared libraries of a program.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let output = Command::new("ldd").arg(program).output().expect("ldd runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}
