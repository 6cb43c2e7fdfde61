//! What made a grade: hashes over everything that the grader reads, and what ran it.

use sha2::{Digest, Sha256};

use super::rubric::{self, Rubric};
use super::scorecard::Provenance;
use super::{GradeInput, checklist, judge, refusal, signals, theme};
use crate::engine::ModelInfo;

/// The provenance of one grade; without a model its id, quantisation and kernel are `none`.
#[must_use]
pub fn of(
    info: Option<&ModelInfo>,
    rubric: &Rubric,
    input: &GradeInput<'_>,
    seed: u64,
    calibration: Option<&str>,
) -> Provenance {
    let of_model = |value: fn(&ModelInfo) -> &String| info.map_or_else(|| "none".to_owned(), |i| value(i).clone());
    Provenance {
        version: env!("CARGO_PKG_VERSION").into(),
        model: of_model(|i| &i.id),
        model_sha256: info.map(|i| i.sha256.clone()).unwrap_or_default(),
        quant: of_model(|i| &i.quantisation),
        prompt_sha256: prompt_sha256(input),
        rubric_version: rubric.version.clone(),
        calibration_sha256: calibration.map(str::to_owned),
        seed,
        threads: info.map_or(0, |i| i.threads),
        kernel: of_model(|i| &i.kernel),
        cpu: cpu(),
        leaves_for: None,
    }
}

/// SHA-256 over rubric, checklists, refusals, signals, theme, judge prompts, and the content of this grade.
#[must_use]
pub fn prompt_sha256(input: &GradeInput<'_>) -> String {
    let mut hash = Sha256::new();
    for text in [
        rubric::TEXT,
        checklist::SYSTEM_DESIGN,
        checklist::BEHAVIOURAL,
        refusal::TEXT,
        signals::TEXT,
        theme::TEXT,
        judge::TEXT,
    ] {
        add(&mut hash, text.as_bytes());
    }
    // Only what was read: a talk without a whiteboard hashes as it always did.
    if input.transcript.turns.iter().any(|turn| turn.board.is_some()) {
        add(&mut hash, crate::board::KINDS.as_bytes());
    }
    let content = serde_json::to_vec(&(input.problem, input.competencies));
    add(&mut hash, &content.expect("content is plain data and always becomes JSON. This is a bug."));
    hex(&hash.finalize())
}

/// With its length, so that no two lists of texts hash alike.
fn add(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The processor's name, or its architecture where the system does not tell.
#[must_use]
pub fn cpu() -> String {
    let named = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        text.lines()
            .find(|l| l.starts_with("model name"))
            .and_then(|l| l.split_once(':'))
            .map(|(_, name)| name.trim().to_owned())
    });
    named.unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}
