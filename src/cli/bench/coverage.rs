//! `offrecord bench coverage`: the coverage tracker against labelled transcripts. A run with a model is resumable
//! (`--rows`) and bounded (`--seconds`): it goes on where the last one stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::bench::coverage::{self, Counts, Fitted, Row, Rule};
use crate::catalogue;
use crate::config::Global;
use crate::content::Content;
use crate::exit::{self, Exit};
use crate::interview::transcript::Round;

/// Flags of `bench coverage`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// A folder with labelled transcripts.
    #[arg(value_name = "DIR", default_value = "benches/golden")]
    golden: PathBuf,
    /// Keep a model's judgements in this file, one JSON object a line, and go on from those that are there.
    #[arg(long, value_name = "FILE")]
    rows: Option<PathBuf>,
    /// Begin no further answer after this many seconds.
    #[arg(long, value_name = "N", default_value_t = 3600)]
    seconds: u64,
    /// Items of each answer that are judged though neither label nor cue speaks for them; they stand for all of these.
    #[arg(long, value_name = "N", default_value_t = 3)]
    others: usize,
    /// Cues alone, or the judgements of --rows without asking for more.
    #[arg(long)]
    no_model: bool,
    /// Write every row with its evidence to this file and stop.
    #[arg(long, value_name = "FILE")]
    features: Option<PathBuf>,
    /// Only this round.
    #[arg(long)]
    round: Option<Round>,
    /// Show what cues missed and invented, on the half of the problems that cues may be worked on.
    #[arg(long)]
    misses: bool,
}

/// Runs the verb.
///
/// # Errors
/// As shown to the user.
pub async fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    let content = Content::built_in();
    let mut all = coverage::read(&args.golden)
        .map_err(|e| Exit::new(exit::NOT_FOUND, format!("{}: {e}", args.golden.display())))?;
    all.retain(|t| args.round.is_none_or(|round| round == t.round));
    let rows = coverage::rows(&content, &all);
    if let Some(path) = &args.features {
        let lines: Result<Vec<String>, _> = rows.iter().map(serde_json::to_string).collect();
        std::fs::write(path, lines?.join("\n"))?;
        return Ok(());
    }
    if args.misses {
        show_misses(&content, &all, &rows);
        return Ok(());
    }
    let mut model = None;
    let judged = if args.no_model && args.rows.is_none() {
        rows
    } else {
        let wanted = coverage::sampled(rows, args.others);
        let mut done = kept(args.rows.as_ref(), &wanted)?;
        if !args.no_model {
            let engine = catalogue::open_engine(global).await?;
            judge(&engine, &content, &all, wanted, &mut done, args).await?;
            model = Some(engine.info().clone());
        }
        done
    };
    let report = report(&judged);
    if global.json {
        let provenance = json!({ "version": env!("CARGO_PKG_VERSION"), "model": model,
            "prompts_sha256": crate::prompts::sha256_of(""), "transcripts": all.len(), "rows": judged.len() });
        println!("{}", json!({ "rules": report, "provenance": provenance }));
    } else {
        print!("{}", table(&judged, &report));
    }
    Ok(())
}

/// The judgements that are there already, with the labels and cues of today.
fn kept(file: Option<&PathBuf>, wanted: &[Row]) -> anyhow::Result<Vec<Row>> {
    let Some(text) = file.filter(|f| f.exists()).map(std::fs::read_to_string).transpose()? else {
        return Ok(Vec::new());
    };
    let key = |r: &Row| (r.transcript.clone(), r.turn, r.item.clone());
    let mut before: BTreeMap<_, Row> = BTreeMap::new();
    for line in text.lines() {
        // A last line may have been cut off with the run.
        if let Ok(row) = serde_json::from_str::<Row>(line) {
            before.insert(key(&row), row);
        }
    }
    let known = wanted.iter().filter_map(|w| {
        let old = before.get(&key(w))?;
        Some(Row { p: old.p, p_nothing: old.p_nothing, ..w.clone() })
    });
    Ok(known.collect())
}

async fn judge(
    engine: &crate::engine::Engine,
    content: &Content,
    all: &[coverage::Labelled],
    wanted: Vec<Row>,
    done: &mut Vec<Row>,
    args: &Args,
) -> anyhow::Result<()> {
    let began = Instant::now();
    let known: BTreeSet<_> = done.iter().map(|r| (r.transcript.clone(), r.turn, r.item.clone())).collect();
    let mut habits: BTreeMap<(String, String), f32> =
        done.iter().filter_map(|r| Some(((r.of.clone(), r.item.clone()), r.p_nothing?))).collect();
    let mut file = match &args.rows {
        Some(path) => Some(std::fs::OpenOptions::new().create(true).append(true).open(path)?),
        None => None,
    };
    let mut answers: Vec<Vec<Row>> = Vec::new();
    for row in wanted.into_iter().filter(|r| !known.contains(&(r.transcript.clone(), r.turn, r.item.clone()))) {
        match answers.last_mut() {
            Some(rows) if rows[0].transcript == row.transcript && rows[0].turn == row.turn => rows.push(row),
            _ => answers.push(vec![row]),
        }
    }
    let number = answers.len();
    for (at, rows) in answers.into_iter().enumerate() {
        if began.elapsed() > Duration::from_secs(args.seconds) {
            eprintln!("stopped after {at} of {number} answers; the same command goes on from here");
            break;
        }
        let Some(transcript) = all.iter().find(|t| t.id == rows[0].transcript) else { continue };
        let rows = coverage::judged(engine, content, transcript, &mut habits, rows).await?;
        if let Some(file) = &mut file {
            for row in &rows {
                writeln!(file, "{}", serde_json::to_string(row)?)?;
            }
        }
        done.extend(rows);
        if at.is_multiple_of(20) {
            eprintln!("{at} of {number} answers, {:.0} s", began.elapsed().as_secs_f64());
        }
    }
    Ok(())
}

#[derive(serde::Serialize)]
struct Line {
    round: Round,
    rule: Rule,
    /// Every problem with thresholds of the others, by answer and by the end.
    answers: Counts,
    ends: Counts,
    /// Tuned on one half of the problems, tried on the other, by the end.
    halves: Counts,
    /// How often a covered item is surer than an open one, each problem held out.
    ranking: Option<f64>,
    /// Fitted on all of them: what would ship.
    fitted: Fitted,
}

fn report(rows: &[Row]) -> Vec<Line> {
    let mut lines = Vec::new();
    for round in [Round::SystemDesign, Round::Behavioural] {
        let here: Vec<&Row> = rows.iter().filter(|r| r.round == round).collect();
        for rule in Rule::ALL {
            if here.is_empty() || (rule.needs_model() && here.iter().all(|r| r.p.is_none())) {
                continue;
            }
            let apart = coverage::apart(&here, rule);
            let (answers, ends) = coverage::held_out(&here, rule, &apart);
            let (tuning, test): (Vec<&Row>, Vec<&Row>) = here.iter().partition(|r| coverage::is_tuning(&r.of));
            let tuned = coverage::fit(&tuning, rule, &coverage::apart(&tuning, rule));
            let halves = coverage::by_end(&test, rule, &tuned);
            let fitted = coverage::fit(&here, rule, &apart);
            let ranking = coverage::ranking(&apart);
            lines.push(Line { round, rule, answers, ends, halves, ranking, fitted });
        }
    }
    lines
}

fn table(rows: &[Row], lines: &[Line]) -> String {
    let transcripts: BTreeSet<&str> = rows.iter().map(|r| r.transcript.as_str()).collect();
    let covered = rows.iter().filter(|r| r.covered).count();
    let mut text = format!(
        "{} transcripts, {} rows, {covered} covered. Per problem held out: recall and precision of what is covered, by\n\
         answer and by the end; gap = what is open at the end. half = tuned on half of the problems, tried on the other.\n\
         {:<15} {:<14} {:>7} {:>7} {:>7} {:>7} {:>8} {:>8} {:>7} {:>7} {:>8} {:>8} {:>6} {:>6} {:>7}\n",
        transcripts.len(),
        rows.len(),
        "round",
        "rule",
        "ans.R",
        "ans.P",
        "end.R",
        "end.P",
        "gap.R",
        "gap.P",
        "half.R",
        "half.P",
        "halfg.R",
        "halfg.P",
        "veto",
        "trust",
        "ranking"
    );
    for l in lines {
        text += &format!(
            "{:<15} {:<14} {:>7.3} {:>7.3} {:>7.3} {:>7.3} {:>8.3} {:>8.3} {:>7.3} {:>7.3} {:>8.3} {:>8.3} {:>6.2} {:>6.2} {:>7}\n",
            format!("{:?}", l.round),
            format!("{:?}", l.rule),
            l.answers.recall(),
            l.answers.precision(),
            l.ends.recall(),
            l.ends.precision(),
            l.ends.gap_recall(),
            l.ends.gap_precision(),
            l.halves.recall(),
            l.halves.precision(),
            l.halves.gap_recall(),
            l.halves.gap_precision(),
            l.fitted.veto,
            l.fitted.trust,
            l.ranking.map_or_else(String::new, |r| format!("{r:.3}"))
        );
    }
    for l in lines.iter().filter(|l| !l.fitted.weights.weights.is_empty()) {
        let weights: Vec<String> = l.fitted.weights.weights.iter().map(|(n, w)| format!("\"{n}\" = {w:.2}")).collect();
        text += &format!(
            "\n# {:?} {:?}\nbias = {:.2}\nthreshold = {:.3}\nweights = {{ {} }}\n",
            l.round,
            l.rule,
            l.fitted.weights.bias,
            l.fitted.trust,
            weights.join(", ")
        );
    }
    text
}

fn show_misses(content: &Content, all: &[coverage::Labelled], rows: &[Row]) {
    for row in rows.iter().filter(|r| r.covered != r.cue && coverage::is_tuning(&r.of)) {
        let Some(said) = all.iter().find(|t| t.id == row.transcript).and_then(|t| t.turn.get(row.turn)) else {
            continue;
        };
        let looked = all.iter().find(|t| t.id == row.transcript).map_or_else(Vec::new, |t| t.look(content, row.turn));
        let Some(looked) = looked.into_iter().find(|l| l.id == row.item) else { continue };
        let ask = looked.ask;
        let cue = looked.found.map_or(String::new(), |f| format!(" [{}: {}]", f.cue.unwrap_or_default(), f.quote));
        let what = if row.covered { "missed" } else { "invented" };
        println!(
            "{what} {} {} turn {} {}{cue}\n  {ask}\n  {}\n",
            row.of,
            row.transcript,
            row.turn,
            row.item,
            said.text.trim()
        );
    }
}
