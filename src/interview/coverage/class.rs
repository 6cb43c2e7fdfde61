//! What sort of answer it is, once it is known what it covers.

use std::collections::BTreeSet;

use crate::content::{FlagKind, RedFlag};
use crate::interview::classify;
use crate::interview::lexicon::{self, Word};
use crate::interview::note::{AnswerClass, Note};
use crate::interview::plan::Stage;
use crate::interview::reading::Reading;
use crate::interview::transcript::Round;

/// The class of an ordinary answer, once its coverage is known.
pub(super) fn settle(note: &mut Note, reading: &Reading<'_>) {
    if note.class != AnswerClass::Plain {
        return;
    }
    let text = reading.answer().map_or("", |t| t.text.as_str());
    let words = lexicon::words(text);
    let hears = &reading.content.voice.hears;
    let covers_here = covers_what_was_asked(note, reading);
    let reasons = lexicon::count(&words, &hears.reasons) > 0;
    let numbers = words.iter().any(|w| lexicon::is_number(&w.text));
    note.class = match reading.plan.round {
        _ if note.contradiction.is_some() => AnswerClass::Contradiction,
        _ if words.len() >= classify::RAMBLES && (!covers_here || words.len() >= 2 * classify::RAMBLES) => {
            AnswerClass::Rambles
        }
        Round::Behavioural => match same_story(reading, &words) {
            true => AnswerClass::SameStory,
            false => classify::story_sign(hears, &words).unwrap_or(AnswerClass::Plain),
        },
        Round::SystemDesign => design_class(note, reading, &words, covers_here, reasons),
    };
    if note.class == AnswerClass::Plain && covers_here && words.len() >= 40 && (reasons || numbers) {
        note.class = AnswerClass::Strong;
    }
}

fn design_class(note: &Note, reading: &Reading<'_>, words: &[Word], covers_here: bool, reasons: bool) -> AnswerClass {
    let hears = &reading.content.voice.hears;
    let kind =
        |kind: FlagKind| flags(reading).iter().any(|f| f.kind == kind && note.flags.iter().any(|n| n.id == f.id));
    let numbers = words.iter().any(|w| lexicon::is_number(&w.text));
    let nothing_asked = reading.notes.iter().all(|(_, n)| n.facts.is_empty()) && note.facts.is_empty();
    let no_constraint = |id: &str| !reading.items(Stage::Constraints).iter().any(|i| i.id == id);
    if kind(FlagKind::Wrong) {
        AnswerClass::Wrong
    } else if reading.stage == Stage::Constraints
        && nothing_asked
        && reading.covered.iter().all(|id| no_constraint(id))
        && note.covered.iter().all(|f| no_constraint(&f.id))
        && lexicon::count(words, &hears.components) >= 2
    {
        AnswerClass::DesignsFirst
    } else if kind(FlagKind::OverBuilt) || (!numbers && !reasons && lexicon::count(words, &hears.heavy) >= 2) {
        AnswerClass::OverBuilt
    } else if kind(FlagKind::UnderScoped) {
        AnswerClass::UnderScoped
    } else if kind(FlagKind::NameDrop) || (!reasons && words.len() < 60 && lexicon::count(words, &hears.products) >= 1)
    {
        AnswerClass::NameDrop
    } else if words.len() >= 180 && !covers_here {
        AnswerClass::RabbitHole
    } else if !covers_here && words.len() < 60 && !reasons && !numbers {
        AnswerClass::Vague
    } else {
        AnswerClass::Plain
    }
}

/// Whether something in play was covered: the topic asked about, or an item of this stage.
fn covers_what_was_asked(note: &Note, reading: &Reading<'_>) -> bool {
    let here: Vec<&str> = reading.items(reading.stage).iter().map(|i| i.id.as_str()).collect();
    let asked = reading.asked().map_or("", |m| m.topic.as_str());
    note.covered.iter().any(|f| f.id == asked || f.id.contains('/') || here.contains(&f.id.as_str()))
}

/// A story's first answer that shares most of its content words with an earlier story.
fn same_story(reading: &Reading<'_>, words: &[Word]) -> bool {
    let first_answer = reading.stage.is_story() && reading.moves_here().count() <= 1;
    if !first_answer || words.len() < 2 * classify::SHORT {
        return false;
    }
    let content = |words: &[Word]| -> BTreeSet<String> {
        words.iter().filter(|w| w.text.len() >= 5).map(|w| lexicon::stem(&w.text).to_owned()).collect()
    };
    let now = content(words);
    let told = |stage: Stage| -> BTreeSet<String> {
        let seqs = reading.notes.iter().filter(|(_, n)| n.stage == Some(stage)).map(|(seq, _)| *seq);
        seqs.filter_map(|seq| reading.turns.iter().find(|t| t.seq == seq))
            .flat_map(|t| content(&lexicon::words(&t.text)))
            .collect()
    };
    let earlier = [Stage::Flagship, Stage::Story1, Stage::Story2];
    earlier
        .into_iter()
        .filter(|s| *s < reading.stage)
        .map(told)
        .any(|before| now.intersection(&before).count() * 10 >= now.len().max(1) * 6)
}

/// The red flags of what is being talked about.
pub(super) fn flags<'a>(reading: &Reading<'a>) -> &'a [RedFlag] {
    match reading.plan.round {
        Round::SystemDesign => reading.problem().map_or(&[], |p| &p.red_flags),
        Round::Behavioural => reading.story(reading.stage).map_or(&[], |c| &c.red_flags),
    }
}
