//! Checks content as a reviewer would: ids, numbers, wordings, giveaways, reading length. Pure: content in, faults out.

use std::collections::BTreeSet;

use super::behavioural::Slot;
use super::{ChecklistItem, Competency, Content, Problem, RedFlag, Rung};
use crate::interview::checks::{self, Against};
use crate::interview::facts::Sheet;
use crate::interview::lexicon;

const THEMES: [&str; 17] = [
    "storage",
    "messaging",
    "feeds",
    "payments",
    "search",
    "rate-limiting",
    "collaboration",
    "observability",
    "ml-serving",
    "iot",
    "geo",
    "video",
    "migration",
    "multi-tenant",
    "cost",
    "incident",
    "review",
];
const TOPICS: [&str; 12] = [
    "function",
    "users",
    "scale",
    "latency",
    "consistency",
    "availability",
    "durability",
    "security",
    "cost",
    "team",
    "deadline",
    "existing",
];
/// Topics of facts that are nothing without a number.
const NUMBERED: [&str; 5] = ["scale", "latency", "cost", "team", "deadline"];
const KINDS: [&str; 7] = ["scale", "region-loss", "consistency", "cost", "migration", "security", "deadline"];
/// Longest sentence that is easily taken in by ear.
const MOST_WORDS: usize = 38;

/// Everything wrong with the content, as `file: reason` lines. Files that did not load come first.
#[must_use]
pub fn faults(content: &Content) -> Vec<String> {
    let mut faults: Vec<String> = content.faults.iter().map(ToString::to_string).collect();
    for problem in content.problems() {
        let mut lint = Lint { content, file: format!("system-design/{}", problem.id), faults: &mut faults };
        lint.problem(problem);
    }
    let mut questions = BTreeSet::new();
    for competency in content.competencies().chain([&content.voice.flagship]) {
        let mut lint = Lint { content, file: format!("behavioural/{}", competency.id), faults: &mut faults };
        lint.competency(competency);
        for question in &competency.questions {
            if !questions.insert(question.id.as_str()) {
                lint.fault(&format!("question id `{}` is used twice", question.id));
            }
        }
    }
    voice(content, &mut faults);
    themes(content, &mut faults);
    faults
}

struct Lint<'a> {
    content: &'a Content,
    file: String,
    faults: &'a mut Vec<String>,
}

impl Lint<'_> {
    fn fault(&mut self, reason: &str) {
        self.faults.push(format!("{}: {reason}", self.file));
    }

    fn need(&mut self, holds: bool, reason: impl FnOnce() -> String) {
        if !holds {
            let reason = reason();
            self.fault(&reason);
        }
    }

    fn problem(&mut self, problem: &Problem) {
        self.need(is_id(&problem.id), || format!("id `{}` is not lower case, digits and dashes", problem.id));
        self.need(THEMES.contains(&problem.theme.as_str()), || format!("unknown theme `{}`", problem.theme));
        self.need((1..=3).contains(&problem.difficulty), || "difficulty is not 1 to 3".into());
        self.need(problem.dives.len() == 3, || format!("{} dives, not 3", problem.dives.len()));
        self.need(problem.curveballs.len() == 3, || format!("{} curveballs, not 3", problem.curveballs.len()));
        self.need(problem.facts.len() >= 10, || format!("{} facts, at least 10", problem.facts.len()));
        self.need(problem.hints.len() >= 4, || format!("{} hint topics, at least 4", problem.hints.len()));
        self.need(problem.checklist.len() >= 16, || {
            format!("{} checklist items, at least 16", problem.checklist.len())
        });
        self.need(!problem.red_flags.is_empty(), || "no red flags".into());
        self.need(problem.model_answer.split_whitespace().count() >= 150, || "the model answer is too short".into());
        self.need(!problem.staff.trim().is_empty(), || "no staff note".into());
        self.brief(problem);
        let ids: Vec<&str> = problem
            .facts
            .iter()
            .map(|f| f.id.as_str())
            .chain(problem.checklist.iter().map(|i| i.id.as_str()))
            .chain(problem.dives.iter().map(|d| d.id.as_str()))
            .chain(problem.curveballs.iter().map(|c| c.id.as_str()))
            .chain(problem.red_flags.iter().map(|f| f.id.as_str()))
            .collect();
        self.unique(&ids);
        self.facts(problem);
        for item in &problem.checklist {
            self.item(item);
        }
        for dive in &problem.dives {
            self.cues(&dive.id, &dive.cues);
            let rungs = [&dive.mechanism, &dive.limit, &dive.failure, &dive.alternative];
            for (name, rung) in crate::interview::reading::RUNGS.iter().zip(rungs) {
                self.rung(&format!("{}/{name}", dive.id), rung);
            }
        }
        for ball in &problem.curveballs {
            self.need(KINDS.contains(&ball.kind.as_str()), || format!("{}: unknown kind `{}`", ball.id, ball.kind));
            self.need(is_yes_no(&ball.ask), || format!("{}: `ask` is not a yes/no question", ball.id));
            self.cues(&ball.id, &ball.cues);
            self.wording(&ball.id, &ball.says, &[]);
            if !ball.probes.is_empty() {
                self.probes(&ball.id, &ball.probes, &[], &[]);
            }
        }
        let topics: BTreeSet<&str> = problem
            .checklist
            .iter()
            .map(|i| i.id.as_str())
            .chain(problem.dives.iter().map(|d| d.id.as_str()))
            .collect();
        for hint in &problem.hints {
            self.need(topics.contains(hint.topic.as_str()), || {
                format!("hint for `{}`, which does not exist", hint.topic)
            });
            for text in [&hint.constraint, &hint.area, &hint.concept, &hint.options] {
                self.need(!text.contains('?'), || format!("hint for `{}` asks a question", hint.topic));
                self.length(&format!("hint for `{}`", hint.topic), text);
            }
        }
        for flag in &problem.red_flags {
            self.flag(flag);
        }
        for (phase, forms) in &problem.openings {
            for form in forms {
                self.wording(&format!("opening of {phase:?}"), form, &[]);
            }
        }
    }

    fn brief(&mut self, problem: &Problem) {
        let words = lexicon::words(&problem.brief);
        let lists = &self.content.voice.hears.lint;
        // A review is about a given system: its brief may name what the document names.
        if problem.document.is_none()
            && let Some(cue) = lists.technology.iter().find(|cue| lexicon::find(&words, cue).is_some())
        {
            self.fault(&format!("the brief gives technology away: {cue}"));
        }
        self.need(!problem.brief.chars().any(|c| c.is_ascii_digit()), || "the brief has a number".into());
        self.need(!problem.brief.contains('?'), || "the brief asks a question".into());
        self.need((8..=50).contains(&words.len()), || format!("the brief has {} words, not 8 to 50", words.len()));
    }

    fn facts(&mut self, problem: &Problem) {
        let sheet = Sheet::read(&problem.facts, &problem.brief, &self.content.voice.asks);
        for fact in &problem.facts {
            let id = &fact.id;
            self.need(TOPICS.contains(&fact.topic.as_str()), || format!("fact `{id}`: unknown topic `{}`", fact.topic));
            self.need(fact.asked_as.len() >= 3, || format!("fact `{id}`: fewer than three ways to ask"));
            self.need(has_number(&fact.says) || !NUMBERED.contains(&fact.topic.as_str()), || {
                format!("fact `{id}` on {} has no number", fact.topic)
            });
            self.need(lexicon::sentences(&fact.says).len() == 1, || format!("fact `{id}` is not one sentence"));
            self.need(!fact.says.contains('?'), || format!("fact `{id}` asks a question"));
            self.length(&format!("fact `{id}`"), &fact.says);
            for phrase in &fact.asked_as {
                let found = sheet.asked(&format!("{phrase}?"));
                self.need(found.facts.first() == Some(id), || {
                    format!("fact `{id}`: \"{phrase}\" finds {:?} first", found.facts.first())
                });
            }
        }
    }

    fn item(&mut self, item: &ChecklistItem) {
        let id = &item.id;
        self.need((1..=3).contains(&item.weight), || format!("{id}: weight is not 1 to 3"));
        self.need(!item.why.trim().is_empty(), || format!("{id}: no reason"));
        self.need(is_yes_no(&item.ask), || format!("{id}: `ask` is not a yes/no question"));
        self.cues(id, &item.cues);
        self.probes(id, &item.probes, &item.cues, &item.leaks);
        let area = lexicon::words(&item.area);
        self.need(lexicon::find_any(&area, &item.leaks).is_none(), || format!("{id}: the area gives it away"));
        self.need(!item.area.is_empty() && area.len() <= 8, || format!("{id}: the area has {} words", area.len()));
    }

    fn rung(&mut self, id: &str, rung: &Rung) {
        self.need(is_yes_no(&rung.ask), || format!("{id}: `ask` is not a yes/no question"));
        self.cues(id, &rung.cues);
        self.probes(id, &rung.probes, &[], &[]);
    }

    fn flag(&mut self, flag: &RedFlag) {
        self.need(is_yes_no(&flag.ask), || format!("{}: `ask` is not a yes/no question", flag.id));
        for cue in &flag.cues {
            self.cue(&flag.id, cue);
        }
        if !flag.probes.is_empty() {
            self.probes(&flag.id, &flag.probes, &[], &[]);
        }
    }

    fn competency(&mut self, competency: &Competency) {
        self.need(is_id(&competency.id), || format!("id `{}` is not lower case, digits and dashes", competency.id));
        self.need(competency.questions.len() >= 6, || format!("{} questions, at least 6", competency.questions.len()));
        self.need((2..=4).contains(&competency.senior.len()), || "senior: not two to four lines".into());
        self.need((2..=4).contains(&competency.staff.len()), || "staff: not two to four lines".into());
        self.need(!competency.dimensions.is_empty(), || "no dimensions".into());
        self.need(!competency.red_flags.is_empty(), || "no red flags".into());
        for question in &competency.questions {
            let id = &question.id;
            let own = id.strip_prefix(&competency.id).and_then(|n| n.strip_prefix('-'));
            self.need(own.is_some_and(|n| n.parse::<u32>().is_ok()), || {
                format!("question id `{id}` is not <competency>-<n>")
            });
            self.wording(id, &question.ask, &[]);
            self.wording(&format!("{id} nearby"), &question.nearby, &[]);
            self.wording(&format!("{id} counterfactual"), &question.counterfactual, &[]);
        }
        let slots: Vec<Slot> = competency.slots.iter().map(|s| s.slot).collect();
        self.need(slots.iter().collect::<BTreeSet<_>>().len() == slots.len(), || "a slot stands twice".into());
        for slot in [Slot::OwnAction, Slot::Reasoning, Slot::Result] {
            self.need(slots.contains(&slot), || format!("no slot {}", slot.id()));
        }
        for slot in &competency.slots {
            let id = slot.slot.id();
            self.need(is_yes_no(&slot.ask), || format!("{id}: `ask` is not a yes/no question"));
            self.need((1..=3).contains(&slot.weight), || format!("{id}: weight is not 1 to 3"));
            self.cues(id, &slot.cues);
            self.probes(id, &slot.probes, &[], &[]);
        }
        for flag in &competency.red_flags {
            self.flag(flag);
        }
    }

    /// At least two wordings, one with and one without the candidate's words, none giving the answer away.
    fn probes(&mut self, id: &str, probes: &[String], cues: &[String], leaks: &[String]) {
        let with = probes.iter().filter(|p| crate::interview::wording::hangs(p)).count();
        self.need(with >= 1 && probes.len() - with >= 1, || {
            format!("{id}: needs a wording with {{quote}} and one without")
        });
        for probe in probes {
            self.wording(id, probe, leaks);
            let words = lexicon::words(&probe.replace("{quote}", "").replace("{part}", ""));
            if let Some((cue, _)) = lexicon::find_any(&words, cues) {
                self.fault(&format!("{id}: a wording holds its own cue `{cue}`: {probe}"));
            }
        }
    }

    fn wording(&mut self, id: &str, text: &str, leaks: &[String]) {
        let filled =
            text.replace("{quote}", "these words").replace("{part}", "these words").replace("{area}", "this part");
        let forbidden = &self.content.voice.hears.interviewer;
        let against = Against { forbidden, earlier: &[], leaks, questions: 1 };
        for fault in checks::faults(&filled, against) {
            self.fault(&format!("{id}: {fault}: {text}"));
        }
        let bare = text.contains("{quote}") && !text.contains("“{quote}”");
        self.need(!bare, || format!("{id}: {{quote}} stands without “ ”: {text}"));
    }

    fn cues(&mut self, id: &str, cues: &[String]) {
        self.need(cues.len() >= 5, || format!("{id}: {} cues, at least 5", cues.len()));
        for cue in cues {
            self.cue(id, cue);
        }
    }

    fn cue(&mut self, id: &str, cue: &str) {
        self.need(*cue == cue.to_lowercase() && cue.trim() == cue && !cue.is_empty(), || {
            format!("{id}: cue `{cue}` is not lower case")
        });
        self.need(cue.starts_with('#') || cue.chars().filter(|c| c.is_alphanumeric()).count() >= 2, || {
            format!("{id}: cue `{cue}` is too short")
        });
    }

    fn length(&mut self, what: &str, text: &str) {
        for range in lexicon::sentences(text) {
            let words = text[range].split_whitespace().count();
            self.need(words <= MOST_WORDS, || format!("{what}: a sentence of {words} words"));
        }
    }

    fn unique(&mut self, ids: &[&str]) {
        let mut seen = BTreeSet::new();
        for id in ids {
            self.need(is_id(id), || format!("id `{id}` is not lower case, digits and dashes"));
            self.need(seen.insert(*id), || format!("id `{id}` is used twice"));
        }
    }
}

/// The interviewer's own wordings.
fn voice(content: &Content, faults: &mut Vec<String>) {
    let says = &content.voice.says;
    let forbidden = &content.voice.hears.interviewer;
    let mut check = |what: String, text: &str, questions: usize| {
        let slots = [
            ("{quote}", "these words"),
            ("{part}", "these words"),
            ("{earlier}", "those words"),
            ("{area}", "this part"),
            ("{areas}", "a and b"),
        ];
        let filled = slots.iter().fold(text.to_owned(), |t, (slot, value)| t.replace(slot, value));
        let filled = filled
            .replace("{minutes}", "10")
            .replace("{told}", "You kept a list")
            .replace("{told-on}", "you kept a list")
            .replace("{first}", "What happens then?")
            .replace("{claim}", "Led the move of it all")
            .replace("{requirement}", "Own services end to end")
            .replace("{brief}", "We need it.");
        let filled = filled.replace("{parts}", "one and two");
        for fault in checks::faults(&filled, Against { forbidden, earlier: &[], leaks: &[], questions }) {
            faults.push(format!("voice.toml: {what}: {fault}: {text}"));
        }
    };
    for (act, forms) in says.wordings.iter().chain(&says.on_story) {
        forms.iter().for_each(|form| check(format!("{act:?}"), form, 1));
    }
    for (stage, forms) in &says.openings {
        forms.iter().for_each(|form| check(format!("opening of {stage:?}"), form, 1));
    }
    for (stage, forms) in &says.review.openings {
        forms.iter().for_each(|form| check(format!("opening of {stage:?} in a review"), form, 1));
    }
    says.review.answer.iter().for_each(|form| check("answer in a review".into(), form, 1));
    for (stage, forms) in &says.claims {
        forms.iter().for_each(|form| check(format!("{stage:?} on a claim"), form, 1));
    }
    says.requirement.iter().for_each(|form| check("a requirement".into(), form, 1));
    says.claim_first.iter().for_each(|form| check("a claim first".into(), form, 1));
    says.against_resume.iter().for_each(|form| check("against the résumé".into(), form, 1));
    says.early.close.iter().for_each(|form| check("an early close".into(), form, 1));
    says.early.end.iter().for_each(|form| check("an early end".into(), form, 0));
    says.spare.iter().for_each(|form| check("spare".into(), form, 1));
    says.acknowledgements.iter().chain(&says.end).for_each(|form| check("no question".into(), form, 0));
    says.told_back
        .iter()
        .chain(&says.go_back)
        .chain(&says.told_before)
        .for_each(|form| check("before a question".into(), form, 0));
    says.asked_earlier.iter().chain(&says.parked).for_each(|form| check("facts".into(), form, 0));
    says.not_on_sheet.iter().chain(&says.rest_not_on_sheet).for_each(|form| check("not on sheet".into(), form, 0));
}

/// The themes of job postings name competencies that exist.
fn themes(content: &Content, faults: &mut Vec<String>) {
    for theme in &content.voice.themes {
        for id in theme.competencies.iter().filter(|id| content.competency(id).is_none()) {
            faults.push(format!("posting.toml: {}: no competency {id}", theme.id));
        }
    }
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn has_number(text: &str) -> bool {
    const NAMES: [&str; 14] = [
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "twenty",
        "half",
    ];
    text.chars().any(|c| c.is_ascii_digit())
        || lexicon::words(text).iter().any(|w| NAMES.contains(&w.text.as_str()) || w.text == "no" || w.text == "none")
}

fn is_yes_no(ask: &str) -> bool {
    let first = ask.split_whitespace().next().unwrap_or_default().to_lowercase();
    ask.ends_with('?')
        && matches!(first.as_str(), "did" | "does" | "do" | "is" | "are" | "was" | "were" | "has" | "have")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_content_has_no_fault() {
        let faults = faults(&Content::built_in());
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    }
}
