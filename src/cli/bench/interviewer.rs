//! `offrecord bench interviewer`: simulated candidates against the real interviewer.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::bench::interviewer::{Case, Figures, Held, hold};
use crate::bench::{judgements, questions};
use crate::candidate::{banks, profiles};
use crate::cli::servers::InterviewerArgs;
use crate::config::Global;
use crate::content::Content;
use crate::exit::{self, Exit};
use crate::interview::interviewer::{Manner, PATIENCE};
use crate::interview::transcript::{Round, Speaker};
use crate::interview::way::Way;
use crate::{catalogue, prompts};

/// Flags of `bench interviewer`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// A folder with candidate profiles; the built-in ones if left out.
    #[arg(long, value_name = "DIR")]
    candidates: Option<PathBuf>,
    /// Interviews per candidate, round and problem.
    #[arg(long, default_value_t = 1, value_name = "N")]
    repeats: u64,
    /// 15, 30 or 45.
    #[arg(long, default_value_t = 45, value_name = "N")]
    minutes: u32,
    /// First seed.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// How moves are worded: what the model's catalogue entry says if left out.
    #[arg(long, conflicts_with = "no_model")]
    way: Option<Way>,
    /// The longest wait for a model's help with the words of a question, in seconds; more on a machine with other work.
    #[arg(long, conflicts_with = "no_model", default_value_t = PATIENCE.as_secs(), value_name = "SECONDS")]
    patience: u64,
    /// Listen by cues alone, without a model.
    #[arg(long)]
    no_model: bool,
    /// Only this candidate.
    #[arg(long, value_name = "ID")]
    only: Option<String>,
    /// Only this round.
    #[arg(long)]
    round: Option<Round>,
    /// Write every interview to this folder, as text to read.
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Only judge the labelled answers, one JSON object a line: how well this model tells a gap from an answer.
    #[arg(long, conflicts_with = "no_model")]
    judgements: bool,
    /// Only judge labelled pairs of statements for contradictions, one JSON object a line.
    #[arg(long, conflicts_with_all = ["no_model", "judgements"])]
    contradictions: bool,
    /// Only match the labelled questions to their fact sheets, one JSON object a line.
    #[arg(long, conflicts_with_all = ["judgements", "contradictions"])]
    questions: bool,
    /// Only this problem or competency.
    #[arg(long, value_name = "ID")]
    problem: Option<String>,
    /// Also word every follow-up in the other ways, and write them side by side to this file, one JSON object a line.
    #[arg(long, conflicts_with = "no_model", value_name = "FILE")]
    beside: Option<PathBuf>,
    /// Say what was misheard.
    #[arg(long)]
    misses: bool,
    #[command(flatten)]
    server: InterviewerArgs,
}

/// Runs the verb.
///
/// # Errors
/// [`Exit`] with 100 when a target is missed; as shown to the user otherwise.
pub async fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    let engine = if args.no_model { None } else { Some(args.server.engine(global).await?) };
    let content = Content::built_in();
    let banks = banks()?;
    let mut people = profiles(args.candidates.as_deref())?;
    if let (true, Some(engine)) = (args.judgements, &engine) {
        return judge(engine, &content, &banks).await;
    }
    if let (true, Some(engine)) = (args.contradictions, &engine) {
        let judged = judgements::contradictions(engine, &content).await?;
        for pair in &judged {
            println!("{}", serde_json::to_string(pair)?);
        }
        let ranking = judgements::pair_ranking(&judged).unwrap_or(f64::NAN);
        eprintln!("{} pairs judged by {}, ranking {ranking:.3} (0.5 = a coin)", judged.len(), engine.info().id);
        return Ok(());
    }
    if args.questions {
        let tell = |asked: &questions::Asked| {
            if let Ok(line) = serde_json::to_string(asked) {
                println!("{line}");
            }
        };
        let all = questions::all(engine.as_ref(), &content, tell).await?;
        eprint!("{}", matched(&all));
        return Ok(());
    }
    people.retain(|p| args.only.as_ref().is_none_or(|only| *only == p.id));
    if people.is_empty() {
        return Err(Exit::new(exit::NOT_FOUND, "no such candidate (leave --only out to see all)"));
    }
    let measured = engine.as_ref().map_or(Way::Composed, |e| catalogue::wording_of(e.info()));
    let patience = Duration::from_secs(args.patience.clamp(1, 600));
    let manner = Manner { way: args.way.unwrap_or(measured), patience };
    let mut by_candidate: BTreeMap<&str, Figures> = BTreeMap::new();
    let mut all = Figures::default();
    for profile in &people {
        for (round, problem) in rooms(&content, &banks, args.round) {
            if args.problem.as_ref().is_some_and(|only| *only != problem) {
                continue;
            }
            for seed in args.seed..args.seed + args.repeats {
                let case = Case {
                    manner,
                    profile,
                    round,
                    problem: &problem,
                    minutes: args.minutes,
                    seed,
                    beside: args.beside.is_some(),
                };
                let held = hold(engine.as_ref(), &content, &banks, case).await?;
                if let Some(dir) = &args.output {
                    std::fs::create_dir_all(dir)?;
                    let name = format!("{}-{problem}-{seed}.txt", profile.id);
                    std::fs::write(dir.join(name), readable(&held))?;
                }
                if let Some(file) = &args.beside {
                    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file)?;
                    for worded in &held.beside {
                        writeln!(file, "{}", serde_json::to_string(worded)?)?;
                    }
                }
                by_candidate.entry(&profile.id).or_default().add(&held.figures);
                all.add(&held.figures);
            }
        }
        eprintln!("{}: done", profile.id);
    }
    let missed = all.missed_targets();
    if args.misses {
        for (what, text) in &all.misses {
            eprintln!("{what}\n    {text}");
        }
    }
    all.misses.clear();
    by_candidate.values_mut().for_each(|f| f.misses.clear());
    if global.json {
        let provenance = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "model": engine.as_ref().map(|e| e.info().clone()),
            "prompts_sha256": prompts::sha256_of(""),
            "way": manner.way, "minutes": args.minutes, "seed": args.seed, "repeats": args.repeats,
        });
        let summary = json!({ "all": all, "gap_recall": all.gap_recall(), "gap_precision": all.gap_precision(),
            "class_recall": all.class_recall(), "candidates": by_candidate, "missed_targets": missed, "provenance": provenance });
        println!("{summary}");
    } else {
        print!("{}{}", table(&by_candidate, &all), worded(&all));
    }
    if missed.is_empty() {
        Ok(())
    } else {
        Err(Exit::new(exit::THRESHOLD, format!("targets missed: {}", missed.join("; "))))
    }
}

async fn judge(
    engine: &crate::engine::Engine,
    content: &Content,
    banks: &BTreeMap<String, crate::candidate::Bank>,
) -> anyhow::Result<()> {
    let all = judgements::all(engine, content, banks).await?;
    for judgement in &all {
        println!("{}", serde_json::to_string(judgement)?);
    }
    let ranking = judgements::ranking(&all).unwrap_or(f64::NAN);
    eprintln!("{} answers judged by {}, ranking {ranking:.3} (0.5 = a coin)", all.len(), engine.info().id);
    Ok(())
}

/// What came of the labelled questions, and what to believe the model.
fn matched(all: &[questions::Asked]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for (near, what) in [(true, "near to the sheet's words"), (false, "in other words")] {
        let those: Vec<&questions::Asked> = all.iter().filter(|a| a.near == near).collect();
        let chosen = questions::believed(&all.iter().collect::<Vec<_>>());
        let (words, model) = (
            questions::Outcome::of(those.iter().copied(), None),
            questions::Outcome::of(those.iter().copied(), chosen),
        );
        let _ = writeln!(
            text,
            "{} questions {what}, by words: {words:?}; with what is chosen on all: {model:?}",
            those.len()
        );
    }
    let judged: Vec<f64> = all.iter().filter(|a| !a.about.is_empty()).map(|a| a.seconds).collect();
    if !judged.is_empty() {
        let seconds = judged.iter().sum::<f64>() / judged.len() as f64;
        let _ = writeln!(text, "{} judged by the model, {seconds:.2} s each", judged.len());
        for (chosen, there, words) in questions::held_out(all) {
            let _ = writeln!(text, "chosen on half: {chosen:?}; on the other half {there:?}, by words {words:?}");
        }
        let chosen = questions::believed(&all.iter().collect::<Vec<_>>());
        let _ = writeln!(text, "chosen on all: {chosen:?}: {:?}", questions::Outcome::of(all, chosen));
    }
    text
}

/// Rounds with a problem or competency that somebody has written answers for.
fn rooms(
    content: &Content,
    banks: &BTreeMap<String, crate::candidate::Bank>,
    only: Option<Round>,
) -> Vec<(Round, String)> {
    let design = content.problems().map(|p| (Round::SystemDesign, p.id.clone()));
    let stories = content.competencies().map(|c| (Round::Behavioural, c.id.clone()));
    design
        .chain(stories)
        .filter(|(round, id)| banks.contains_key(id) && only.is_none_or(|only| only == *round))
        .collect()
}

fn table(by_candidate: &BTreeMap<&str, Figures>, all: &Figures) -> String {
    let percent = |share: Option<f64>| share.map_or("-".to_owned(), |s| format!("{:.1}", s * 100.0));
    let mut text = format!(
        "{:<18} {:>5} {:>6} {:>7} {:>7} {:>7} {:>6} {:>6} {:>7} {:>6} {:>6} {:>7} {:>7}\n",
        "candidate",
        "held",
        "turns",
        "recall%",
        "prec.%",
        "class%",
        "praise",
        "leaks",
        "repeats",
        "spare",
        "quote",
        "longest",
        "s/turn"
    );
    for (id, f) in by_candidate.iter().map(|(id, f)| (*id, f)).chain([("all", all)]) {
        text += &format!(
            "{id:<18} {:>5} {:>6} {:>7} {:>7} {:>7} {:>6} {:>6} {:>7} {:>6} {:>6} {:>7} {:>7.2}\n",
            f.interviews,
            f.questions,
            percent(f.gap_recall()),
            percent(f.gap_precision()),
            percent(f.class_recall()),
            f.praise,
            f.leaks,
            f.repeats,
            f.spares,
            f.quoting,
            f.longest,
            f.seconds / f.answers.max(1) as f64,
        );
    }
    text
}

/// How the follow-ups came to their words.
fn worded(all: &Figures) -> String {
    let ways: Vec<String> = all.ways.iter().map(|(way, n)| format!("{n} {way:?}")).collect();
    format!(
        "follow-ups: {}; fell back {}; quotations of the model {}; refused and not shown {}; shown with a fault {}; \
         {:.2} s of wording a turn\n",
        ways.join(", "),
        all.fell_back,
        all.pointed,
        all.refused,
        all.shown_faults,
        all.wording_seconds / all.answers.max(1) as f64
    )
}

/// An interview to read, with what the program made of it between the lines.
fn readable(held: &Held) -> String {
    let mut text = format!(
        "{} · {:?} · {} · {} minutes · seed {}\n\n",
        held.candidate, held.round, held.problem, held.minutes, held.seed
    );
    for turn in &held.turns {
        let minute = turn.at_ms.unwrap_or(0) / 60_000;
        let who = if turn.role == Speaker::Interviewer { "I" } else { "C" };
        text += &format!("{minute:>2}' {who}: {}\n", turn.text);
        if let Some(note) = held.notes.get(&turn.seq) {
            let found: Vec<String> = note
                .covered
                .iter()
                .map(|f| format!("{}{}", f.id, f.p_yes.map_or(String::new(), |p| format!(" {p:.2}"))))
                .collect();
            let doubted: Vec<String> =
                note.undecided.iter().map(|f| format!("{} {:.2}", f.id, f.p_yes.unwrap_or(0.0))).collect();
            let next = note.next.as_ref().map_or(String::new(), |m| format!("{:?} {} ({})", m.act, m.topic, m.why));
            text += &format!("       {:?}; covers {found:?}; not {doubted:?}\n       -> {next}\n\n", note.class);
        }
    }
    text
}
