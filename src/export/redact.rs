//! Names taken out of a session before it is written: those that the person lists, and addresses and numbers by which
//! somebody can be reached. Pure. What was not listed stays; nothing here guesses who is a person.

use serde_json::Value;

use super::Session;

/// Most names taken at once.
pub const MOST_NAMES: usize = 200;
/// Most characters of a name.
pub const MOST_CHARACTERS: usize = 80;

/// The session with every listed name replaced by `[name 1]`, `[name 2]`, … in the order of the list, and with
/// e-mail addresses, web addresses and telephone numbers replaced by what they are.
#[must_use]
pub fn redacted(session: &Session, names: &[String]) -> Session {
    let names: Vec<Vec<char>> = names
        .iter()
        .map(|name| name.trim().to_lowercase().chars().collect())
        .filter(|n: &Vec<char>| !n.is_empty())
        .collect();
    let mut out = session.clone();
    let clean = |text: &str| without_addresses(&without_names(text, &names));
    out.summary.title = clean(&out.summary.title);
    for turn in &mut out.transcript.turns {
        turn.text = clean(&turn.text);
        if let Some(board) = &mut turn.board {
            strings(board, &|key| matches!(key, "text" | "originalText" | "name"), &clean);
        }
    }
    for remark in out.remarks.values_mut() {
        *remark = clean(remark);
    }
    for hint in &mut out.hints {
        hint.text = clean(&hint.text);
    }
    for (_, card) in &mut out.scorecards {
        let mut value = serde_json::to_value(&*card).expect("a scorecard is plain data. This is a bug.");
        let kept = |key: &str| {
            !matches!(
                key,
                "id" | "item" | "rule" | "code" | "status" | "sign" | "topic" | "confidence" | "level_reading"
            )
        };
        if let Value::Object(parts) = &mut value {
            for (name, part) in parts.iter_mut() {
                if name != "provenance" && name != "session" {
                    strings(part, &kept, &clean);
                }
            }
        }
        *card = serde_json::from_value(value).expect("only texts were changed. This is a bug.");
    }
    out
}

/// Changes every string below `value` that stands under a wanted key.
fn strings(value: &mut Value, wanted: &dyn Fn(&str) -> bool, clean: &dyn Fn(&str) -> String) {
    match value {
        Value::Object(parts) => {
            for (key, part) in parts.iter_mut() {
                match part {
                    Value::String(text) if wanted(key) => *text = clean(text),
                    Value::String(_) => {}
                    other => strings(other, wanted, clean),
                }
            }
        }
        Value::Array(parts) => parts.iter_mut().for_each(|part| strings(part, wanted, clean)),
        Value::String(text) => *text = clean(text),
        _ => {}
    }
}

/// Whole words only, whatever their case: "Ann" goes out of "Ann's" and stays in "annual".
fn without_names(text: &str, names: &[Vec<char>]) -> String {
    let signs: Vec<char> = text.chars().collect();
    // One sign in lower case may be several: compared one by one, so that places stay the same.
    let lower: Vec<char> = signs.iter().map(|c| c.to_lowercase().next().unwrap_or(*c)).collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < signs.len() {
        let begins = at == 0 || !signs[at - 1].is_alphanumeric();
        let found =
            names.iter().enumerate().filter(|(_, name)| begins && lower[at..].starts_with(name)).filter(|(_, name)| {
                let after = at + name.len();
                after == signs.len() || !signs[after].is_alphanumeric()
            });
        if let Some((number, name)) = found.max_by_key(|(_, name)| name.len()) {
            out.push_str(&format!("[name {}]", number + 1));
            at += name.len();
        } else {
            out.push(signs[at]);
            at += 1;
        }
    }
    out
}

/// Replaces what leads to somebody: words with an @ and a dot after it, words that begin like a web address, and runs of
/// at least nine digits with the signs of a telephone number between them.
fn without_addresses(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        let core = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '+' && c != '/');
        let lower = core.to_lowercase();
        let mail = core.split_once('@').is_some_and(|(who, host)| !who.is_empty() && host.contains('.'));
        let web = ["http://", "https://", "www."].iter().any(|start| lower.starts_with(start));
        if mail || web {
            out.push_str(&piece.replacen(core, if mail { "[e-mail]" } else { "[web address]" }, 1));
        } else {
            out.push_str(piece);
        }
    }
    without_numbers(&out)
}

fn without_numbers(text: &str) -> String {
    let signs: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < signs.len() {
        let begins = (signs[at] == '+' || signs[at].is_ascii_digit()) && (at == 0 || !signs[at - 1].is_alphanumeric());
        let mut end = at;
        while begins && end < signs.len() && (signs[end].is_ascii_digit() || " -()/+".contains(signs[end])) {
            end += 1;
        }
        while end > at && !signs[end - 1].is_ascii_digit() {
            end -= 1;
        }
        let digits = signs[at..end].iter().filter(|c| c.is_ascii_digit()).count();
        // A plain number, however long, is a quantity.
        let grouped = signs[at..end].iter().any(|c| "-()/+".contains(*c));
        if digits >= 9 && grouped {
            out.push_str("[number]");
            at = end;
        } else {
            out.push(signs[at]);
            at += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str, names: &[&str]) -> String {
        let names: Vec<Vec<char>> = names.iter().map(|name| name.to_lowercase().chars().collect()).collect();
        without_addresses(&without_names(text, &names))
    }

    #[test]
    fn listed_names_go_as_whole_words() {
        let names = ["Ann", "Ann Lee", "Acme", "O'Neil", "Müller"];
        insta::assert_snapshot!(clean("Ann's annual plan at ACME: Ann Lee asked O'Neil and müller; annotate it.", &names),
            @"[name 1]'s annual plan at [name 3]: [name 2] asked [name 4] and [name 5]; annotate it.");
        assert_eq!(clean("İstanbul ẞ", &["istanbul"]), "[name 1] ẞ", "cases that differ in length move nothing");
        assert_eq!(clean("", &["x"]), "");
    }

    #[test]
    fn addresses_go_and_quantities_stay() {
        insta::assert_snapshot!(
            clean("Write to (ann.lee@acme.example), see https://acme.example/x?y=1, call +44 (20) 7946-0958. 120 000 000 messages, 9,000/s, 2026-11-24, p@99.", &[]),
            @"Write to ([e-mail]), see [web address], call [number]. 120 000 000 messages, 9,000/s, 2026-11-24, p@99."
        );
    }
}
