//! The report on golden interviews: one file without script or outside resource. All texts of the data are escaped.

use std::fmt::Write as _;

use super::results::{Agreement, Results};
use super::run::{Graded, name};
use super::variants::Change;
use crate::bench::measure::Measured;
use crate::bench::page::{escaped, head, number};

/// Worst misses shown.
const MISSES: usize = 24;

/// The whole page.
#[must_use]
pub fn html(results: &Results, graded: &[Graded<'_>]) -> String {
    let mut out = head("Golden interviews");
    let _ = write!(
        out,
        "<p>Status: {}. {} interviews on {} problems; {} files were not used. Levels are 1 to 5. Brackets are 95 % \
         bootstrap intervals, whole problems drawn again. The rows constant and length_only use no words of the \
         interview but their number, and were learnt on the other problems.</p>",
        escaped(&results.status),
        results.interviews,
        results.problems,
        results.faults.len()
    );
    let extra =
        [("evidence_valid_rate", results.evidence_valid_rate), ("moments_found_rate", results.moments_found_rate)];
    let shown: Vec<String> =
        extra.iter().filter_map(|(n, m)| m.as_ref().map(|m| format!("{n} {}", number(m)))).collect();
    let _ = write!(out, "<p>{}</p>", shown.join(" · "));
    section(&mut out, "All dimensions", &results.pooled);
    let originals: Vec<&Graded<'_>> = graded.iter().filter(|g| g.change == Change::None).collect();
    plots(&mut out, &originals);
    for (dimension, agreement) in &results.dimensions {
        section(&mut out, dimension, agreement);
        plots(&mut out, &originals.iter().copied().filter(|g| name(g.dimension) == *dimension).collect::<Vec<_>>());
    }
    effects(&mut out, results);
    misses(&mut out, &originals);
    if !results.faults.is_empty() {
        out.push_str("<h2>Files not used</h2><ul>");
        for fault in &results.faults {
            let _ = write!(out, "<li>{}</li>", escaped(&fault.to_string()));
        }
        out.push_str("</ul>");
    }
    let provenance = serde_json::to_string_pretty(&results.provenance).unwrap_or_default();
    let _ = writeln!(out, "<h2>What made these numbers</h2><pre>{}</pre></html>", escaped(&provenance));
    out
}

fn section(out: &mut String, title: &str, a: &Agreement) {
    let _ = write!(out, "<h2>{}</h2><p>{} of {} labelled are scored.</p>", escaped(title), a.n, a.labelled);
    out.push_str("<table><tr><th>metric</th><th>grader</th>");
    for row in a.rows.keys() {
        let _ = write!(out, "<th>{row}</th>");
    }
    out.push_str("</tr>");
    for (metric, own) in &a.metrics {
        let _ = write!(out, "<tr><td>{metric}</td><td>{}</td>", number(own));
        for row in a.rows.values() {
            let _ = write!(out, "<td>{}</td>", row.get(metric).map_or_else(|| "-".to_owned(), number));
        }
        out.push_str("</tr>");
    }
    let single = |out: &mut String, name: &str, m: Option<&Measured>| {
        if let Some(m) = m {
            let _ = write!(out, "<tr><td>{name}</td><td>{}</td></tr>", number(m));
        }
    };
    single(out, "na_agreement", a.na_agreement.as_ref());
    single(out, "unscored_rate", a.unscored_rate.as_ref());
    if let Some(ece) = a.ece {
        let _ = write!(out, "<tr><td>ece</td><td>{ece:.3}</td></tr>");
    }
    out.push_str("</table>");
}

/// Scatter plot and confusion matrix.
fn plots(out: &mut String, rows: &[&Graded<'_>]) {
    let points: Vec<(f64, f64)> = rows.iter().filter_map(|g| Some((g.sample.target?, g.sample.predicted?))).collect();
    out.push_str("<figure><svg viewBox=\"0 0 300 300\" width=\"300\" role=\"img\" aria-label=\"Predicted against labelled levels\"><line x1=\"10\" y1=\"290\" x2=\"290\" y2=\"10\" stroke=\"#999\"/>");
    for (at, (human, predicted)) in points.iter().enumerate() {
        // A little shift by position, so that equal levels do not hide each other.
        let shift = (at * 37 % 11) as f64 - 5.0;
        let (x, y) = (10.0 + 70.0 * (human - 1.0) + shift, 290.0 - 70.0 * (predicted - 1.0));
        let _ = write!(out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2\" fill=\"#2b6cb0\" fill-opacity=\".5\"/>");
    }
    out.push_str("</svg><figcaption>Labelled level (right) and predicted (up)</figcaption></figure>");
    let mut counts = [[0usize; 5]; 5];
    let step = |v: f64| (v.round().clamp(1.0, 5.0) - 1.0) as usize;
    for (human, predicted) in &points {
        counts[step(*human)][step(*predicted)] += 1;
    }
    out.push_str(
        "<figure><table><tr><th>label \\ predicted</th><th>1</th><th>2</th><th>3</th><th>4</th><th>5</th></tr>",
    );
    for (level, row) in (1..=5).zip(counts) {
        let _ = write!(out, "<tr><td>{level}</td>");
        for count in row {
            let _ = write!(out, "<td>{count}</td>");
        }
        out.push_str("</tr>");
    }
    out.push_str("</table><figcaption>Confusion of rounded levels</figcaption></figure>");
}

fn effects(out: &mut String, results: &Results) {
    if results.variants.is_empty() {
        return;
    }
    out.push_str(
        "<h2>What moves a level</h2><table><tr><th>change</th><th>n</th><th>mean shift</th><th>mean move</th>\
         <th>flips</th><th>lowered</th><th>lost a number</th><th>got one</th><th>target</th><th>met</th></tr>",
    );
    let cell = |m: Option<Measured>| m.map_or_else(|| "-".to_owned(), |m| number(&m));
    for e in &results.variants {
        let met = e.met.map_or("-", |met| if met { "yes" } else { "no" });
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{met}</td></tr>",
            escaped(&e.change),
            e.n,
            cell(e.mean_shift),
            cell(e.mean_move),
            cell(e.flips),
            cell(e.lowered),
            e.lost,
            e.gained,
            e.target
        );
    }
    out.push_str("</table>");
}

fn misses(out: &mut String, originals: &[&Graded<'_>]) {
    let mut worst: Vec<(f64, &Graded<'_>)> =
        originals.iter().filter_map(|g| Some(((g.sample.target? - g.sample.predicted?).abs(), *g))).collect();
    worst.sort_by(|a, b| b.0.total_cmp(&a.0));
    out.push_str("<h2>Worst misses</h2>");
    for (_, g) in worst.into_iter().take(MISSES) {
        let reason = g.golden.labels.get(&g.dimension).map_or("", |l| l.reason.as_str());
        let quotes: Vec<String> = g
            .sample
            .evidence
            .iter()
            .take(4)
            .map(|e| {
                format!(
                    "<li>{} {}</li>",
                    escaped(e["sign"].as_str().unwrap_or("")),
                    escaped(e["quote"].as_str().unwrap_or(""))
                )
            })
            .collect();
        let _ = write!(
            out,
            "<div class=\"miss\"><p class=\"small\">{} · {} · label {} · predicted {:.2}</p><p>{}</p><p class=\"small\">{}</p><ul>{}</ul></div>",
            escaped(&g.golden.id),
            name(g.dimension),
            g.sample.target.unwrap_or(f64::NAN),
            g.sample.predicted.unwrap_or(f64::NAN),
            escaped(reason),
            escaped(&g.golden.summary),
            quotes.concat()
        );
    }
}
