//! What is built in, and under which licences: the notices, the bill of materials and the vendored JavaScript say what is
//! there. `OFFRECORD_UPDATE=1 cargo test --test supply_chain` writes the files anew.

#[path = "supply/mod.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "shared with no other test; its parts are its own")]
mod supply;
#[path = "trust/tier.rs"]
mod tier;

use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};
use supply::{Crates, bill, notices};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The file must be `text`; with `OFFRECORD_UPDATE` it is made so.
fn is_up_to_date(path: &str, text: &str) {
    let file = root().join(path);
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    if there == text {
        return;
    }
    if std::env::var_os("OFFRECORD_UPDATE").is_some() {
        std::fs::write(&file, text).expect("written");
        return;
    }
    let differs = there.lines().zip(text.lines()).find(|(a, b)| a != b);
    panic!(
        "{path} is stale, from {differs:?} on: a dependency changed. Run OFFRECORD_UPDATE=1 cargo test --test supply_chain"
    );
}

#[test]
fn the_notices_hold_the_licence_of_everything_that_is_built_in() {
    let crates = Crates::shipped();
    assert!(crates.list.len() > 100, "only {} crates were found", crates.list.len());
    let text = notices::of(&crates, root());
    for part in &crates.list {
        assert!(text.contains(&format!("{} {}", part.name, part.version)), "{} is not in the notices", part.name);
    }
    for vendored in ["preact 11", "dompurify 3", "@excalidraw/excalidraw 0.18", "SQLite"] {
        assert!(text.contains(vendored), "{vendored} is not in the notices");
    }
    is_up_to_date("packaging/THIRD-PARTY-NOTICES.txt", &text);
    tier::tried("T20", "crates whose licence text is passed on", crates.list.len());
}

#[test]
fn the_bill_of_materials_names_every_part_with_its_digest() {
    let crates = Crates::shipped();
    let bill = bill::of(&crates, root());
    let components = bill["components"].as_array().expect("components");
    for component in components {
        let digest = component["hashes"][0]["content"].as_str();
        let has = digest.is_some_and(|digest| digest.len() == 64) || component["group"] == "board";
        assert!(has, "no digest: {component}");
        assert!(component["licenses"][0]["expression"].is_string(), "no licence: {component}");
    }
    is_up_to_date("packaging/sbom.cdx.json", &format!("{bill:#}\n"));
    tier::tried("T20", "parts in the bill of materials, each with a digest and a licence", components.len());
}

#[test]
fn the_vendored_javascript_is_what_its_manifests_say() {
    let vendor = root().join("web/vendor");
    let digest = |path: PathBuf| -> String {
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let mut named = Vec::new();
    for file in supply::json(&vendor.join("manifest.json")).as_array().expect("a list") {
        let name = file["file"].as_str().expect("a file");
        assert_eq!(digest(vendor.join(name)), file["sha256"].as_str().expect("a digest"), "{name}");
        let licence = vendor.join("licences").join(format!("{}.txt", file["package"].as_str().expect("a package")));
        assert!(licence.exists() || name == "hooks.js", "{name} has no licence text");
        named.push(name.to_owned());
    }
    for (name, sha256) in supply::json(&vendor.join("excalidraw/manifest.json"))["files"].as_object().expect("files") {
        assert_eq!(digest(vendor.join("excalidraw").join(name)), sha256.as_str().expect("a digest"), "{name}");
    }
    // And nothing that runs lies there unnamed.
    for file in std::fs::read_dir(&vendor).expect("a folder").flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        if name.ends_with(".js") {
            assert!(named.contains(&name), "web/vendor/{name} is not in its manifest");
        }
    }
    tier::tried("T20", "vendored scripts compared with the digests of their manifest", named.len());
}

/// Words of a source that opens a connection, asks for a name, or loads other code.
const OPENERS: [&str; 16] = [
    "TcpStream::connect",
    "TcpSocket::",
    "UdpSocket::bind",
    "UnixStream::connect",
    "UnixDatagram::",
    "connect_timeout",
    "libc::connect",
    "libc::sendto",
    "libc::sendmsg",
    "SYS_socket",
    "__NR_connect",
    "getaddrinfo",
    "to_socket_addrs",
    "lookup_host",
    "dlopen",
    "libloading",
];

/// The crates in whose code such words are, and why none of them reaches out by itself.
const MAY: [(&str, &str); 12] = [
    ("axum", "a web socket's test client, behind a feature that is off"),
    ("hyper-util", "its client is behind a feature that is off; the server is used"),
    ("jiff", "time zones on Android"),
    ("libc", "declares what the system offers"),
    ("libsqlite3-sys", "SQLite's loading of extensions, which rusqlite switches off"),
    ("linux-raw-sys", "numbers of system calls"),
    ("mio", "the runtime under the server"),
    ("rustix", "numbers of system calls, behind a feature that is off"),
    ("socket2", "the runtime under the server"),
    ("tokio", "the runtime under the server: this program's sources open nothing with it (`tests/promises.rs`)"),
    ("ureq", "the one client, for pulls and a server that the user names"),
    ("url", "turns an address into numbers when it is asked to"),
];

/// Whether a file of a crate has such a word outside of comments.
fn opens(file: &Path) -> bool {
    let text = String::from_utf8_lossy(&std::fs::read(file).expect("a source file")).into_owned();
    text.lines()
        .map(str::trim_start)
        .filter(|line| !line.starts_with("//") && !line.starts_with('*') && !line.starts_with("/*"))
        .any(|line| OPENERS.iter().any(|opener| line.contains(opener)))
}

#[test]
fn what_is_built_in_opens_connections_in_known_places_only() {
    let crates = Crates::shipped();
    let (mut looked, mut found) = (0, Vec::new());
    for part in &crates.list {
        let mut folders = vec![part.folder.clone()];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(&folder).expect("a folder").flatten().map(|entry| entry.path()) {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if path.is_dir() && !["tests", "benches", "examples", "target"].contains(&name.as_str()) {
                    folders.push(path);
                } else if [".rs", ".c", ".h"].iter().any(|ending| name.ends_with(ending)) {
                    files.push(path);
                }
            }
        }
        looked += files.len();
        if files.iter().any(|file| opens(file)) {
            found.push(part.name.as_str());
        }
    }
    found.dedup();
    // `rustix` and others may lose or gain a word with a version: only a crate that is not on the list is a fault.
    let unknown: Vec<&&str> = found.iter().filter(|name| MAY.iter().all(|(known, _)| known != *name)).collect();
    assert!(unknown.is_empty(), "{unknown:?} can open a connection or load code: read them, and say in MAY why not");
    assert!(
        found.contains(&"ureq") && found.contains(&"tokio"),
        "the search finds what is known to be there: {found:?}"
    );
    assert!(looked > 3_000, "only {looked} files");
    tier::tried("T7", "source files of all crates searched for what opens a connection", looked);
}

/// What the program takes from the system's libraries that has to do with other machines or with foreign code. `connect`,
/// `socket` and `getaddrinfo` are the client's and the server's; `dlsym` asks the C library for what it has.
#[cfg(target_os = "linux")]
#[test]
fn the_program_imports_no_other_way_out() {
    let output = Command::new("nm")
        .args(["--dynamic", "--undefined-only", "--format=posix", env!("CARGO_BIN_EXE_offrecord")])
        .output()
        .expect("nm (package binutils, which a linker needs) runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let names: Vec<&str> =
        text.lines().filter_map(|line| line.split([' ', '@']).next()).filter(|name| !name.is_empty()).collect();
    assert!(names.contains(&"connect") && names.len() > 100, "{names:?}");
    let of_the_network: Vec<&&str> = names
        .iter()
        .filter(|name| {
            let starts =
                ["connect", "socket", "send", "getaddrinfo", "gethost", "getnameinfo", "res_", "__res", "ns_", "dl"];
            let whole = ["dl_iterate_phdr", "sendfile", "sendfile64"];
            starts.iter().any(|start| name.starts_with(start)) && !whole.contains(name)
        })
        .collect();
    // `dl…` is SQLite's loading of extensions, refused below, and the standard library's look at the C library.
    let known =
        ["__res_init", "connect", "dlclose", "dlerror", "dlopen", "dlsym", "getaddrinfo", "send", "sendmsg", "sendto"];
    let known: Vec<&str> = known.into_iter().chain(["socket", "socketpair"]).collect();
    let unknown: Vec<_> = of_the_network.iter().filter(|name| !known.contains(name)).collect();
    assert!(unknown.is_empty(), "the program imports {unknown:?}");
    // And no library beside those of the C compiler and the C library.
    let needed =
        Command::new("readelf").args(["--dynamic", env!("CARGO_BIN_EXE_offrecord")]).output().expect("readelf");
    let needed = String::from_utf8_lossy(&needed.stdout).into_owned();
    let libraries: Vec<&str> =
        needed.lines().filter_map(|line| line.split_once("(NEEDED)")?.1.split(['[', ']']).nth(1)).collect();
    assert!(!libraries.is_empty(), "{needed}");
    for library in &libraries {
        assert!(
            ["libc.so", "libm.so", "libgcc_s.so", "ld-linux", "libpthread.so", "libdl.so", "librt.so"]
                .iter()
                .any(|known| library.starts_with(known)),
            "the program needs {library}"
        );
    }
    let refused = rusqlite::Connection::open_in_memory()
        .expect("a database")
        .query_row("SELECT load_extension('libm.so.6')", [], |_| Ok(()))
        .expect_err("SQLite loads no code");
    assert!(refused.to_string().contains("not authorized"), "{refused}");
    // Of all that could connect, the linker kept the standard library's way only, which `ureq` uses.
    let linked = Command::new("nm")
        .args(["--defined-only", "--demangle", "--format=posix", env!("CARGO_BIN_EXE_offrecord")])
        .output()
        .expect("nm runs");
    let linked = String::from_utf8_lossy(&linked.stdout).into_owned();
    let kinds = ["TcpStream", "TcpSocket", "UdpSocket", "UnixStream", "UnixDatagram", "socket2", "lookup_host"];
    let connecting: Vec<&str> = linked
        .lines()
        .filter(|line| line.replace("::connection", "").contains("::connect") || line.contains("lookup_host"))
        .filter(|line| kinds.iter().any(|kind| line.contains(kind)))
        .collect();
    assert!(connecting.iter().any(|line| line.contains("TcpStream")), "{} symbols", linked.lines().count());
    for line in &connecting {
        let of_std = line.starts_with("<std[") || line.starts_with("std::") || line.starts_with("<std::");
        assert!(of_std, "{line} is linked in: who connects with it?");
    }
    tier::tried("T7", "functions that the program imports, looked at for another way out", names.len());
}
