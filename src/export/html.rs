//! The HTML export: one page, no script, no outside resource, and a policy in it that forbids both.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::{Session, clock, doubt, notes, speaker, visible};
use crate::board;
use crate::grading::Scorecard;
use crate::grading::scorecard::{DimensionReport, Quote, Sign};

const STYLE: &str = include_str!("page.css");

/// The whole page.
pub(super) fn page(session: &Session) -> String {
    let mut out = String::new();
    let title = escaped(&session.summary.title);
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{}'; \
         base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n\
         <p>{}. Begun {}. Session {}.</p>\n</header>\n",
        base64(&Sha256::digest(STYLE)),
        escaped(&session.what()),
        escaped(&session.summary.created_at),
        escaped(&session.summary.id),
    );
    for (n, card) in &session.scorecards {
        scorecard(&mut out, *n, card);
    }
    out.push_str("<section>\n<h2>Transcript</h2>\n");
    let drawn = board::drawn(&session.transcript.turns);
    for turn in &session.transcript.turns {
        let role = speaker(turn.role);
        let _ = writeln!(
            out,
            "<article id=\"turn-{}\" class=\"{}\">\n<h3>{role} <small>turn {} {}</small></h3>\n<p>{}</p>",
            turn.seq,
            role.to_lowercase(),
            turn.seq,
            clock(turn.at_ms),
            escaped(&turn.text)
        );
        if let Some(words) = drawn.get(&turn.seq) {
            let scene = turn.board.as_ref().and_then(|scene| board::Scene::read(scene).ok());
            let picture = scene.and_then(|scene| board::svg(&scene)).unwrap_or_default();
            let _ =
                writeln!(out, "<figure>{picture}<figcaption class=\"aside\">{}</figcaption></figure>", escaped(words));
        }
        for hint in session.hints.iter().filter(|hint| hint.seq == turn.seq) {
            let (topic, cost, text) = (escaped(&hint.topic), escaped(&hint.cost), escaped(&hint.text));
            let _ = writeln!(out, "<p class=\"aside\">Hint {} on {topic} ({cost}): {text}</p>", hint.rung);
        }
        if let Some(remark) = session.remarks.get(&turn.seq) {
            let _ = writeln!(out, "<p class=\"aside\">Coach: {}</p>", escaped(remark));
        }
        out.push_str("</article>\n");
    }
    out.push_str("</section>\n");
    if let Some(delivery) = &session.delivery {
        out.push_str("<section>\n<h2>Speaking times</h2>\n<p>Facts, not part of the grade.</p>\n<ul>\n");
        for text in super::delivery::lines(delivery) {
            let _ = writeln!(out, "<li>{}</li>", escaped(&text));
        }
        out.push_str("</ul>\n</section>\n");
    }
    interviewer(&mut out, session);
    if let Some(answer) = &session.model_answer {
        let _ = writeln!(out, "<section>\n<h2>Model answer</h2>\n<p>{}</p>\n</section>", escaped(answer));
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn interviewer(out: &mut String, session: &Session) {
    if !session.interviewer_notes.is_empty() {
        out.push_str("<section>\n<h2>Interviewer&#39;s notes</h2>\n");
        for note in &session.interviewer_notes {
            let _ = writeln!(out, "<h3>On <a href=\"#turn-{0}\">turn {0}</a></h3>\n<ul>", note.seq);
            for (name, text) in notes::of_turn(note) {
                let _ = writeln!(out, "<li>{name}: {}</li>", escaped(&text));
            }
            out.push_str("</ul>\n");
        }
        out.push_str("</section>\n");
    }
    if let Some(report) = &session.interviewer_report {
        out.push_str("<section>\n<h2>How the interviewer did</h2>\n<ul>\n");
        for text in notes::of_report(report) {
            let _ = writeln!(out, "<li>{}</li>", escaped(&text));
        }
        out.push_str("</ul>\n</section>\n");
    }
}

fn scorecard(out: &mut String, n: u32, card: &Scorecard) {
    let score = card.overall.score.map_or_else(|| "no verdict".to_owned(), |score| format!("{score:.2} of 5"));
    let _ = writeln!(out, "<section>\n<h2>Scorecard {n}: {score}</h2>\n<p>{}</p>", escaped(&card.overall.note));
    for dimension in &card.dimensions {
        dimension_part(out, dimension);
    }
    for pair in &card.contradictions {
        let (first, second) = (cited(&pair.first), cited(&pair.second));
        let _ = writeln!(
            out,
            "<p>Contradiction ({}):</p>\n<ul><li>{first}</li><li>{second}</li></ul>",
            escaped(&pair.reason)
        );
    }
    for refused in &card.refused_turns {
        let message = escaped(&refused.message);
        let _ = writeln!(out, "<p><a href=\"#turn-{0}\">Turn {0}</a> was not graded: {message}</p>", refused.turn);
    }
    if let Some(dispute) = &card.dispute {
        let _ = writeln!(out, "<p>Added in a dispute: {}</p>", escaped(dispute));
    }
    let by = &card.provenance;
    let _ = writeln!(
        out,
        "<p class=\"aside\">Graded by {} (sha256 {}), rubric {}, prompts {}, seed {}, offrecord {}.</p>\n</section>",
        escaped(&by.model),
        escaped(&by.model_sha256),
        escaped(&by.rubric_version),
        escaped(&by.prompt_sha256),
        by.seed,
        escaped(&by.version)
    );
}

fn dimension_part(out: &mut String, dimension: &DimensionReport) {
    let score = dimension.score.map_or_else(|| "not assessed".to_owned(), |score| format!("{score:.1}"));
    let _ = writeln!(out, "<h3>{}: {score}{}</h3>", escaped(&dimension.title), doubt(dimension));
    if let Some(reason) = &dimension.reason {
        let _ = writeln!(out, "<p>{}</p>", escaped(&reason.message));
    }
    if !dimension.evidence.is_empty() {
        out.push_str("<ul>\n");
        for evidence in &dimension.evidence {
            let sign = if evidence.sign == Sign::Plus { "For:" } else { "Against:" };
            let _ = writeln!(out, "<li>{sign} {}</li>", cited(&evidence.quote));
        }
        out.push_str("</ul>\n");
    }
    for cap in &dimension.caps {
        let _ = writeln!(out, "<p>Rule: {} ({})</p>", escaped(&cap.effect), escaped(&cap.reason));
    }
    for (name, text) in [("Gap", &dimension.gap), ("Drill", &dimension.drill), ("Staff", &dimension.staff_note)] {
        if let Some(text) = text {
            let _ = writeln!(out, "<p><b>{name}:</b> {}</p>", escaped(text));
        }
    }
}

fn cited(quote: &Quote) -> String {
    format!("<q>{}</q> <a href=\"#turn-{1}\">turn {1}</a>", escaped(&quote.quote), quote.turn)
}

/// Text between tags or in a quoted attribute.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Standard base64 with padding (RFC 4648), for the policy's hash.
fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().enumerate().fold(0_u32, |bits, (at, byte)| bits | u32::from(*byte) << (16 - 8 * at));
        for at in 0..4 {
            if at <= three.len() {
                out.push(char::from(SIGNS[(bits >> (18 - 6 * at) & 63) as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn base64_agrees_with_the_standard_s_examples() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(super::base64(bytes.as_bytes()), text);
        }
    }
}
