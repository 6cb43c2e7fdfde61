//! `report.html`: one file without script or outside resource; plots are SVG. All texts of the data are escaped.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::dataset::Item;
use super::measure::{Measured, Metrics};
use super::run::Results;
use super::samples::Sample;

/// Worst misses shown per data set.
const MISSES: usize = 12;
const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}\
table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #bbb;padding:.25rem .6rem;text-align:right}th:first-child,td:first-child{text-align:left}\
svg{max-width:100%;height:auto;border:1px solid #bbb}figure{display:inline-block;margin:0 1rem 1rem 0}figcaption{font-size:.85rem}\
.miss{border-left:3px solid #888;padding-left:.8rem;margin:1rem 0}.small{color:#555;font-size:.85rem}\
@media(prefers-color-scheme:dark){body{color:#e8e8e8;background:#161616}.small{color:#aaa}}";

/// The whole page.
#[must_use]
pub fn html(results: &Results, items: &[Item], samples: &[Sample]) -> String {
    let mut out = head("Agreement with people");
    let _ = write!(
        out,
        "<p>Status: {}. {} lines were not used. Marks are shares of each item's own scale. Brackets are 95 % bootstrap \
         intervals. The rows constant, length_only and features use no language model and were trained on the other \
         questions of the same data.</p>",
        escaped(&results.status),
        results.faults.len()
    );
    for (name, dataset) in &results.datasets {
        let rows: Vec<(&Item, &Sample)> = items.iter().zip(samples).filter(|(i, _)| &i.dataset == name).collect();
        let _ = write!(
            out,
            "<h2>{}</h2><p>{} of {} items graded, {} questions, scale of {} steps.</p>",
            escaped(name),
            dataset.n,
            dataset.items,
            dataset.questions,
            dataset.levels
        );
        table(&mut out, dataset.metrics.clone(), &dataset.rows);
        let extra = [
            ("ece", dataset.ece),
            ("unscored_rate", dataset.unscored_rate),
            ("evidence_valid_rate", dataset.evidence_valid_rate),
        ];
        let shown: Vec<String> =
            extra.iter().filter_map(|(n, m)| m.as_ref().map(|m| format!("{n} {}", number(m)))).collect();
        let _ = write!(out, "<p>{}</p>", shown.join(" · "));
        for (reason, count) in &dataset.unscored {
            let _ = write!(out, "<p class=\"small\">{count} × {}</p>", escaped(reason));
        }
        scatter(&mut out, &rows);
        confusion(&mut out, &rows, dataset.levels);
        curve(&mut out, &rows);
        misses(&mut out, &rows);
    }
    if !results.faults.is_empty() {
        out.push_str("<h2>Lines not used</h2><ul>");
        for f in &results.faults {
            let _ = write!(out, "<li>line {}: {}: {}</li>", f.line, escaped(&f.field), escaped(&f.reason));
        }
        out.push_str("</ul>");
    }
    let provenance = serde_json::to_string_pretty(&results.provenance).unwrap_or_default();
    let _ = writeln!(out, "<h2>What made these numbers</h2><pre>{}</pre></html>", escaped(&provenance));
    out
}

/// Everything up to the first words of a report.
pub(super) fn head(title: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>{title}</title><style>{STYLE}</style><h1>{title}</h1>"
    )
}

fn table(out: &mut String, own: Metrics, rows: &BTreeMap<&'static str, Metrics>) {
    let mut columns: Vec<(&str, &Metrics)> = vec![("grader", &own)];
    columns.extend(rows.iter().map(|(n, m)| (*n, m)));
    out.push_str("<table><tr><th>metric</th>");
    for (name, _) in &columns {
        let _ = write!(out, "<th>{name}</th>");
    }
    out.push_str("</tr>");
    for (metric, _) in super::measure::METRICS {
        let _ = write!(out, "<tr><td>{metric}</td>");
        for (_, metrics) in &columns {
            let _ = write!(out, "<td>{}</td>", metrics.get(metric).map_or_else(|| "-".to_owned(), number));
        }
        out.push_str("</tr>");
    }
    out.push_str("</table>");
}

/// A value with its interval.
pub(super) fn number(m: &Measured) -> String {
    format!("{:.3} [{:.3}, {:.3}]", m.value, m.low, m.high)
}

fn shares(item: &Item, sample: &Sample) -> Option<(f64, f64)> {
    let predicted = (sample.predicted? - item.score_min) / (item.score_max - item.score_min);
    Some((item.share(), predicted))
}

fn scatter(out: &mut String, rows: &[(&Item, &Sample)]) {
    out.push_str("<figure><svg viewBox=\"0 0 300 300\" width=\"300\" role=\"img\" aria-label=\"Predicted against human marks\"><line x1=\"10\" y1=\"290\" x2=\"290\" y2=\"10\" stroke=\"#999\"/>");
    for (at, (item, sample)) in rows.iter().enumerate() {
        if let Some((human, predicted)) = shares(item, sample) {
            // A little shift by position, so that equal marks do not hide each other.
            let shift = (at * 37 % 11) as f64 - 5.0;
            let (x, y) = (10.0 + 280.0 * human + shift * 0.6, 290.0 - 280.0 * predicted);
            let _ = write!(out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2\" fill=\"#2b6cb0\" fill-opacity=\".4\"/>");
        }
    }
    out.push_str("</svg><figcaption>Human mark (right) and predicted mark (up)</figcaption></figure>");
}

fn confusion(out: &mut String, rows: &[(&Item, &Sample)], levels: usize) {
    let mut counts = vec![vec![0usize; levels]; levels];
    let step = |v: f64| ((v.clamp(0.0, 1.0) * (levels - 1) as f64).round() as usize).min(levels - 1);
    for (item, sample) in rows {
        if let Some((human, predicted)) = shares(item, sample) {
            counts[step(human)][step(predicted)] += 1;
        }
    }
    out.push_str("<figure><table><tr><th>human \\ predicted</th>");
    let name = |k: usize| format!("{:.2}", k as f64 / (levels - 1) as f64);
    for k in 0..levels {
        let _ = write!(out, "<th>{}</th>", name(k));
    }
    out.push_str("</tr>");
    for (k, row) in counts.iter().enumerate() {
        let _ = write!(out, "<tr><td>{}</td>", name(k));
        for count in row {
            let _ = write!(out, "<td>{count}</td>");
        }
        out.push_str("</tr>");
    }
    out.push_str("</table><figcaption>Confusion, in shares of the scale</figcaption></figure>");
}

/// Mean human mark in tenths of the prediction.
fn curve(out: &mut String, rows: &[(&Item, &Sample)]) {
    let mut bins = vec![(0.0, 0.0, 0.0); 10];
    for (item, sample) in rows {
        if let Some((human, predicted)) = shares(item, sample) {
            let bin = &mut bins[((predicted * 10.0) as usize).min(9)];
            *bin = (bin.0 + 1.0, bin.1 + predicted, bin.2 + human);
        }
    }
    out.push_str("<figure><svg viewBox=\"0 0 300 300\" width=\"300\" role=\"img\" aria-label=\"Calibration curve\"><line x1=\"10\" y1=\"290\" x2=\"290\" y2=\"10\" stroke=\"#999\"/><polyline fill=\"none\" stroke=\"#c05621\" stroke-width=\"2\" points=\"");
    for (n, p, h) in bins.iter().filter(|b| b.0 > 0.0) {
        let _ = write!(out, "{:.1},{:.1} ", 10.0 + 280.0 * p / n, 290.0 - 280.0 * h / n);
    }
    out.push_str("\"/></svg><figcaption>Calibration: predicted (right) and mean human mark (up)</figcaption></figure>");
}

fn misses(out: &mut String, rows: &[(&Item, &Sample)]) {
    let mut worst: Vec<(f64, &Item, &Sample)> = rows
        .iter()
        .filter_map(|(item, sample)| shares(item, sample).map(|(h, p)| ((h - p).abs(), *item, *sample)))
        .collect();
    worst.sort_by(|a, b| b.0.total_cmp(&a.0));
    out.push_str("<h3>Worst misses</h3>");
    for (_, item, sample) in worst.into_iter().take(MISSES) {
        let predicted = sample.predicted.unwrap_or(f64::NAN);
        let _ = write!(
            out,
            "<div class=\"miss\"><p class=\"small\">{} · people {} of {} · predicted {predicted:.2}</p><p>{}</p><p>{}</p></div>",
            escaped(&item.id),
            item.score,
            item.score_max,
            escaped(&item.question),
            escaped(&item.answer)
        );
    }
}

/// Text of the data, safe in a page.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() && c != '\n' => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
    out
}
