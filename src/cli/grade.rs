//! `offrecord grade`: a transcript file becomes a scorecard.

use std::io::Write as _;
use std::path::PathBuf;

use super::servers::JudgeArgs;
use crate::config::Global;
use crate::content::{Competency, Content};
use crate::exit::{self, Exit};
use crate::export::scorecard_text;
use crate::grading::{self, DimensionReport, GradeInput, GradeOptions};
use crate::interview::session::HintView;
use crate::interview::transcript::{Round, Transcript};

/// Flags of `grade`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Transcript file (version 1), as `offrecord session export --format json` writes it.
    pub transcript: PathBuf,
    /// Order of the anchors in the readings; the same seed gives the same scorecard.
    #[arg(long, env = "OFFRECORD_SEED", default_value_t = 0, value_name = "N")]
    pub seed: u64,
    /// Hints that were taken: a JSON list as a session holds it.
    #[arg(long, value_name = "FILE")]
    pub hints: Option<PathBuf>,
    /// A text file with what you add in a dispute; it is read as one more answer and logged in the scorecard.
    #[arg(long, value_name = "FILE")]
    pub dispute: Option<PathBuf>,
    /// Who grades.
    #[command(flatten)]
    pub judge: JudgeArgs,
}

/// Runs the verb.
///
/// # Errors
/// As shown to the user: 3 no such file, 2 not a transcript, 1 nothing to grade.
pub async fn run(global: &Global, args: Args) -> anyhow::Result<()> {
    let transcript: Transcript = parse(&args.transcript, "a transcript (version 1)")?;
    let hints: Vec<HintView> = match &args.hints {
        Some(path) => parse(path, "a list of hints")?,
        None => Vec::new(),
    };
    let dispute = args.dispute.as_ref().map(read).transpose()?;
    if transcript.answers().all(|turn| turn.text.trim().is_empty()) {
        return Err(Exit::new(exit::FAILURE, grading::GradeError::NothingToGrade.to_string()));
    }
    let content = Content::built_in();
    let known = transcript.problem.as_deref().unwrap_or_default();
    let competencies: Vec<&Competency> = match transcript.round {
        Round::Behavioural => content.competency(known).into_iter().collect(),
        Round::SystemDesign => Vec::new(),
    };
    let input = GradeInput {
        problem: content.problem(known),
        competencies: &competencies,
        hints: &hints,
        dispute: dispute.as_deref(),
        ..GradeInput::new(&transcript)
    };
    let engine = args.judge.engine(global).await?;
    let mut progress = |d: &DimensionReport| eprintln!("graded: {}", d.title);
    let options = GradeOptions { seed: args.seed, ..GradeOptions::default() };
    let card = grading::grade(&engine, &input, &options, &mut progress).await.map_err(|error| {
        let code = match error {
            grading::GradeError::NothingToGrade => exit::FAILURE,
            grading::GradeError::Invalid(_) => exit::USAGE,
        };
        Exit::new(code, error.to_string())
    })?;
    let text = if global.json { serde_json::to_string_pretty(&card)? + "\n" } else { scorecard_text(&card) };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn read(path: &PathBuf) -> anyhow::Result<String> {
    std::fs::read_to_string(path).map_err(|error| {
        let code = if error.kind() == std::io::ErrorKind::NotFound { exit::NOT_FOUND } else { exit::FAILURE };
        Exit::new(code, format!("{}: {error}", path.display()))
    })
}

fn parse<T: serde::de::DeserializeOwned>(path: &PathBuf, what: &str) -> anyhow::Result<T> {
    serde_json::from_str(&read(path)?)
        .map_err(|error| Exit::new(exit::USAGE, format!("{} is not {what}: {error}", path.display())))
}
