//! What a kit holds. Knows the program's own texts and one model; not where a kit is put.

use std::path::PathBuf;

use super::shelf::{Item, Source, failed};
use crate::catalogue::{Catalogue, CatalogueError, Entry, Installed, Record, Sha256};
use crate::exit::{self, Exit};

/// Every file of a kit carries this time: 2026-01-01. An even second, because FAT keeps no odd ones. The record of the
/// model names it, so that a start need not read the model twice.
pub(super) const TIME: u64 = 1_767_225_600;

/// Folders of a kit.
pub(super) const FOLDERS: [&str; 2] = ["licences", "models"];

const START: &str = include_str!("../../../packaging/kit/start");
const README: &str = include_str!("../../../packaging/kit/README.txt");
const NOTICES: &str = include_str!("../../../packaging/THIRD-PARTY-NOTICES.txt");
const LICENCE: &str = include_str!("../../../LICENSE");
const APACHE_2: &str = include_str!("../../../packaging/licences/Apache-2.0.txt");

/// A model as it goes into a kit.
pub(super) struct Packed {
    pub(super) model: Installed,
    /// What its bytes must hash to.
    pub(super) sha256: Sha256,
    /// The text that it may be passed on under.
    licence: String,
}

impl Packed {
    /// An installed model with its licence: one that the program has the text of, or the text in `licence_file`.
    pub(super) fn new(
        catalogue: &Catalogue,
        model: Installed,
        sha256: Sha256,
        licence_file: Option<&PathBuf>,
    ) -> anyhow::Result<Self> {
        let entry = catalogue.find(model.id.as_str());
        let text = match (licence_file, entry.map(|entry| entry.licence.as_str())) {
            (Some(file), _) => std::fs::read_to_string(file).map_err(failed(file))?,
            (None, Some("Apache-2.0")) => APACHE_2.to_owned(),
            (None, known) => {
                let what = known
                    .map_or("not known here".to_owned(), |name| format!("{name}, whose text is not in this program"));
                let message = format!(
                    "the licence of {} is {what}. A kit passes the model on, so its licence must go along: \
                     save the text in a file and add --licence FILE",
                    model.id
                );
                return Err(Exit::new(exit::USAGE, message));
            }
        };
        let licence = format!("{}\n{text}", provenance(entry, &model, &sha256));
        Ok(Self { model, sha256, licence })
    }

    /// The record beside the model in the kit.
    fn record(&self) -> anyhow::Result<String> {
        let record = Record {
            sha256: self.sha256.clone(),
            size: self.model.size,
            modified_ns: TIME * 1_000_000_000,
            source: self.model.source.clone().unwrap_or_else(|| "an air-gapped kit".into()),
            revision: None,
        };
        Ok(serde_json::to_string_pretty(&record)? + "\n")
    }
}

/// What stands above a licence's text.
fn provenance(entry: Option<&Entry>, model: &Installed, sha256: &Sha256) -> String {
    let mut lines = vec![format!("Model:   {}", entry.map_or(model.id.as_str(), |entry| &entry.name))];
    lines.push(format!("File:    {}, sha256 {sha256}", model.id.file_name()));
    if let Some(entry) = entry {
        let sources: Vec<String> = entry.sources.iter().map(crate::catalogue::Source::label).collect();
        lines.push(format!("From:    {}", sources.join(", or ")));
        lines.push(format!("Licence: {}", entry.licence));
    }
    lines.push("The file is passed on unchanged. The text of its licence:\n".to_owned());
    lines.join("\n")
}

/// All files of a kit but the checksums, in the order in which they are written.
///
/// # Errors
/// When the program or the catalogue cannot be read.
pub(super) fn items(packed: &Packed) -> anyhow::Result<Vec<Item>> {
    let text = |path: &str, text: String| Item { path: path.into(), runs: false, bytes: Source::Text(text) };
    let program = std::env::current_exe()
        .map_err(|error| anyhow::anyhow!("this program cannot find its own file ({error}): is /proc there?"))?;
    let id = &packed.model.id;
    let readme = README
        .replace("@VERSION@", env!("CARGO_PKG_VERSION"))
        .replace("@MODEL@", id.as_str())
        .replace("@PLATFORM@", &platform());
    Ok(vec![
        text("README.txt", readme),
        Item { path: "start".into(), runs: true, bytes: Source::Text(START.into()) },
        Item { path: "offrecord".into(), runs: true, bytes: Source::Disk(program) },
        text("catalogue.toml", Catalogue::text().map_err(CatalogueError::into_exit)?),
        text("licences/offrecord.txt", LICENCE.into()),
        text("licences/third-party.txt", NOTICES.into()),
        text("licences/model.txt", packed.licence.clone()),
        text(&format!("models/{id}.json"), packed.record()?),
        Item {
            path: format!("models/{}", id.file_name()),
            runs: false,
            bytes: Source::Disk(packed.model.path.clone()),
        },
    ])
}

/// What a machine must have for this build.
fn platform() -> String {
    let library = match (cfg!(target_os = "linux"), cfg!(target_feature = "crt-static")) {
        (true, true) => " with no library at all",
        (true, false) => " with a C library (glibc) as new as that of the machine on which it was built",
        (false, _) => "",
    };
    format!(
        "{} on {}{library}; the fastest kernel is chosen at each start",
        std::env::consts::OS,
        std::env::consts::ARCH
    )
}
