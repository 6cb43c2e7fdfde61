//! The composed form: hand-written wordings with slots, filled with the candidate's own words. Always grammatical,
//! never the same twice, and the last resort for any model.

use super::anchor;
use super::checks::{self, Against};
use super::dice::Dice;
use super::note::{Act, Move};
use super::plan::{Plan, Stage};
use super::reading::rung;
use super::transcript::{Round, Speaker, Turn};
use crate::content::{ChecklistItem, Competency, Content, Phase, Problem, Question, RedFlag};

/// The words of a move.
#[must_use]
pub fn compose(content: &Content, plan: &Plan, turns: &[Turn], next: &Move) -> String {
    let voice = Voiced { content, plan, turns, next };
    if next.act == Act::End {
        let says = &content.voice.says;
        return voice.pick_any(if voice.is_early() { &says.early.end } else { &says.end });
    }
    voice.framed(voice.question())
}

/// The first `most` wordings of a move that pass every check, in seeded order, without what is said before the question.
/// None of the spare questions: those are for when nothing else is left.
#[must_use]
pub fn questions(content: &Content, plan: &Plan, turns: &[Turn], next: &Move, most: usize) -> Vec<String> {
    let voice = Voiced { content, plan, turns, next };
    let mut found: Vec<String> = Vec::new();
    for text in voice.mixed_forms().iter().filter_map(|form| voice.fill(form)) {
        if found.len() < most && !found.contains(&text) && voice.faults(&text).is_empty() {
            found.push(text);
        }
    }
    found
}

/// A question with what is said before it: facts, the clock, or a neutral beginning.
#[must_use]
pub fn framed(content: &Content, plan: &Plan, turns: &[Turn], next: &Move, question: String) -> String {
    Voiced { content, plan, turns, next }.framed(question)
}

/// Why this question may not be asked as this move; empty when it may.
#[must_use]
pub fn faults(content: &Content, plan: &Plan, turns: &[Turn], next: &Move, question: &str) -> Vec<String> {
    Voiced { content, plan, turns, next }.faults(question)
}

/// What was said without the facts and the clock before it.
#[must_use]
pub fn without_what_comes_before<'t>(
    content: &Content,
    plan: &Plan,
    turns: &[Turn],
    next: &Move,
    text: &'t str,
) -> &'t str {
    let before = Voiced { content, plan, turns, next }.before();
    text.strip_prefix(&before).unwrap_or(text).trim_start()
}

/// What a model is told to ask for; none for a move that only hand-written words may carry.
#[must_use]
pub fn instruction(content: &Content, plan: &Plan, turns: &[Turn], next: &Move) -> Option<String> {
    let voice = Voiced { content, plan, turns, next };
    content.voice.says.instructions.get(&next.act)?.iter().find_map(|form| voice.fill(form))
}

/// The first question of a story behind a line of the résumé, in a round that has no project to quote it at, or of the
/// posting that asks for such a story. Both are data: they stand between quotation marks and are never filled again.
pub(super) fn on_document(
    content: &Content,
    plan: &Plan,
    stage: Stage,
    competency: &str,
    ask: &str,
    dice: &mut Dice,
) -> Option<String> {
    let says = &content.voice.says;
    let (forms, slot, line) =
        match (plan.claim(stage).filter(|_| stage.is_story()), plan.wanted.requirement(competency)) {
            (Some(claim), _) if stage != Stage::Flagship => (&says.claim_first, "claim", claim.text.as_str()),
            (_, Some(requirement)) => (&says.requirement, "requirement", requirement),
            _ => return None,
        };
    dice.pick(forms).map(|form| fill(form, &[(slot, line), ("first", ask)]))
}

/// First questions of a stage that quote a claim of the résumé; empty without one. The claim is data: it stands
/// between quotation marks and is never filled again.
pub(super) fn on_claim(content: &Content, plan: &Plan, stage: Stage) -> Vec<String> {
    let Some(claim) = plan.claim(stage) else { return Vec::new() };
    let forms = content.voice.says.claims.get(&stage).map_or(&[][..], Vec::as_slice);
    forms.iter().map(|form| fill(form, &[("claim", &claim.text)])).collect()
}

/// The question of `asked` in other words; none when there is no other wording.
#[must_use]
pub fn rephrase(content: &Content, plan: &Plan, turns: &[Turn], asked: &Move) -> Option<String> {
    Voiced { content, plan, turns, next: asked }.again()
}

/// A question of a competency.
#[must_use]
pub fn question<'a>(content: &'a Content, competency: &str, id: &str) -> Option<&'a Question> {
    content.competency(competency).and_then(|c| c.questions.iter().find(|q| q.id == id))
}

struct Voiced<'a> {
    content: &'a Content,
    plan: &'a Plan,
    turns: &'a [Turn],
    next: &'a Move,
}

impl<'a> Voiced<'a> {
    fn problem(&self) -> Option<&'a Problem> {
        self.content.problem(&self.plan.problem).filter(|_| self.plan.round == Round::SystemDesign)
    }

    /// A document is judged, nothing is built.
    fn is_review(&self) -> bool {
        self.problem().is_some_and(|p| p.document.is_some())
    }

    fn item(&self) -> Option<&'a ChecklistItem> {
        self.problem()?.checklist.iter().find(|i| i.id == self.next.topic)
    }

    fn story(&self) -> Option<&'a Competency> {
        self.content.competency(&self.next.story)
    }

    fn asked_before(&self) -> Vec<&'a str> {
        self.turns.iter().filter(|t| t.role == Speaker::Interviewer).map(|t| t.text.as_str()).collect()
    }

    /// A seeded choice that differs from turn to turn.
    fn dice(&self, what: &str) -> Dice {
        Dice::keyed(self.plan.seed, &format!("{what}-{}", self.turns.len()))
    }

    fn faults(&self, question: &str) -> Vec<String> {
        checks::faults(question, self.against(&self.asked_before()))
    }

    fn framed(&self, question: String) -> String {
        let before = self.before();
        if before.is_empty() && self.may_acknowledge(&question) {
            let acknowledged = self.acknowledgement();
            if !acknowledged.is_empty() {
                return format!("{acknowledged} {question}");
            }
        }
        if before.is_empty() { question } else { format!("{before} {question}") }
    }

    fn again(&self) -> Option<String> {
        let own = self.own_forms();
        let forms = if own.is_empty() { self.stage_forms() } else { own };
        forms.iter().filter(|f| !hangs(f)).filter_map(|f| self.fill(f)).find(|text| self.faults(text).is_empty())
    }

    fn pick_any(&self, forms: &[String]) -> String {
        self.dice("any").pick(forms).cloned().unwrap_or_default()
    }

    /// What comes before the question: the clock, facts.
    fn before(&self) -> String {
        let says = &self.content.voice.says;
        let mut parts: Vec<String> = Vec::new();
        if let Some(problem) = self.problem() {
            let told = self.next.facts.iter().filter_map(|id| problem.facts.iter().find(|f| f.id == *id));
            if self.next.of_earlier && !self.next.facts.is_empty() {
                parts.push(self.pick_any(&says.asked_earlier));
            }
            if self.next.told_before {
                parts.push(self.pick_any(&says.told_before));
            }
            parts.extend(told.map(|f| f.says.trim().to_owned()));
            if self.next.parked > 0 {
                parts.push(self.pick_any(&says.parked));
            }
        }
        if self.next.not_on_sheet {
            let forms = if parts.is_empty() { &says.not_on_sheet } else { &says.rest_not_on_sheet };
            parts.push(self.pick_any(forms));
        }
        if self.next.goes_back && !self.area().is_empty() {
            parts.push(self.unused(&says.go_back).replace("{area}", &self.area()));
        }
        if let Some(warning) = says.minutes_left.get(&self.next.minutes_left.to_string()) {
            parts.push(warning.clone());
        }
        parts.join(" ")
    }

    /// One of these, none that was said before while there is another.
    fn unused(&self, forms: &[String]) -> String {
        let asked = self.asked_before();
        let said = |form: &&String| {
            let parts: Vec<&str> = form.split("{area}").filter(|p| p.len() > 3).collect();
            asked.iter().any(|a| parts.iter().all(|p| a.contains(p)))
        };
        let fresh: Vec<String> = forms.iter().filter(|f| !said(f)).cloned().collect();
        self.pick_any(if fresh.is_empty() { forms } else { &fresh })
    }

    /// The question: the first wording, in seeded order, that passes every check.
    fn question(&self) -> String {
        let forms = self.ordered_forms();
        let spare = {
            let mut spare = self.content.voice.says.spare.clone();
            self.dice("spare").shuffle(&mut spare);
            spare
        };
        let mut worded = forms.iter().chain(&spare).filter_map(|form| self.fill(form));
        let asked = worded.find(|text| self.faults(text).is_empty());
        asked.unwrap_or_else(|| self.last_resort(&self.asked_before()))
    }

    /// The wordings in seeded order: with their own words first where these fit, never with them where they do not.
    fn ordered_forms(&self) -> Vec<String> {
        let (forms, led) = self.plain_and_led();
        if !led.is_empty() && self.leads() { [led, forms].concat() } else { forms }
    }

    /// The same for a choice: wordings with and without the candidate's words take turns, the one that code would take
    /// first.
    fn mixed_forms(&self) -> Vec<String> {
        let (forms, led) = self.plain_and_led();
        let (first, second) = if self.leads() { (led, forms) } else { (forms, led) };
        let longest = first.len().max(second.len());
        (0..longest).flat_map(|at| [first.get(at), second.get(at)]).flatten().cloned().collect()
    }

    /// Wordings in seeded order, and those that may begin with a lead-in.
    fn plain_and_led(&self) -> (Vec<String>, Vec<String>) {
        let mut forms = self.forms();
        self.dice("form").shuffle(&mut forms);
        if self.next.quote_fits {
            forms.sort_by_key(|form| !hangs(form));
            return (forms, Vec::new());
        }
        forms.retain(|form| !hangs(form));
        let led =
            if self.may_lead_in() { forms.iter().flat_map(|form| self.led_in(form)).collect() } else { Vec::new() };
        (forms, led)
    }

    /// Their own words first, unless the last turn had them too: twice running is a mannerism.
    fn leads(&self) -> bool {
        let last = self.turns.iter().rev().find(|t| t.role == Speaker::Interviewer);
        last.is_none_or(|t| !t.text.contains('“') && !self.tells_back(&t.text))
    }

    /// Whether a turn begins by telling back what was said.
    fn tells_back(&self, text: &str) -> bool {
        let starts = self.content.voice.says.told_back.iter().map(|f| f.split("{told").next().unwrap_or_default());
        starts
            .map(|start| if start.is_empty() { "You".to_owned() } else { format!("{start}you") })
            .any(|s| text.starts_with(&s))
    }

    /// Whether time is left although there is nothing more to ask.
    fn is_early(&self) -> bool {
        const MUCH_MS: u64 = 150_000;
        let now = self.turns.iter().rev().find_map(|t| t.at_ms).unwrap_or(0);
        now + MUCH_MS < self.plan.total_ms()
    }

    /// A probe with a piece of the candidate's words on its own thread.
    fn may_lead_in(&self) -> bool {
        let probes = matches!(
            self.next.act,
            Act::Probe
                | Act::Deepen
                | Act::AskOwnPart
                | Act::AskNumber
                | Act::Adapt
                | Act::HowToFindOut
                | Act::AskEffect
        );
        probes && (!self.next.told_back.is_empty() || (self.next.quote_near && !self.next.quote.is_empty()))
    }

    /// The form behind each lead-in that was not used yet, in seeded order; told back before quoted. A form that sets a
    /// scene of its own goes without: two beginnings are one too many.
    fn led_in(&self, form: &str) -> Vec<String> {
        if form.contains(". ") || (form.contains(": ") && self.next.told_back.is_empty()) {
            return Vec::new();
        }
        let used = self.asked_before();
        let recent = |parts: &[&str]| used.iter().rev().take(6).any(|u| parts.iter().all(|p| u.contains(p)));
        let says = &self.content.voice.says;
        let mut leads: Vec<String> = Vec::new();
        let told = self.next.told_back.as_str();
        if !told.is_empty() {
            let goes_on = lower_first(told);
            let slots = [("told", told), ("told-on", goes_on.as_str())];
            leads.extend(says.told_back.iter().map(|lead| fill(lead, &slots)));
            self.dice("which-told").shuffle(&mut leads);
        }
        if self.next.quote_near && !self.next.quote.is_empty() {
            let mut fresh: Vec<String> =
                says.lead_ins.iter().filter(|l| !recent(&l.split("{quote}").collect::<Vec<_>>())).cloned().collect();
            self.dice("which-lead").shuffle(&mut fresh);
            leads.extend(fresh);
        }
        leads
            .iter()
            .map(
                |lead| {
                    if lead.ends_with(':') { format!("{lead} {}", lower_first(form)) } else { format!("{lead} {form}") }
                },
            )
            .collect()
    }

    /// Every wording is used up: the spare questions on an earlier piece of the candidate's words.
    fn last_resort(&self, earlier: &[&str]) -> String {
        let number = earlier.len();
        format!("Point {number} of my notes is still empty. What would you put there, in your own words?")
    }

    fn against<'b>(&self, earlier: &'b [&'b str]) -> Against<'b>
    where
        'a: 'b,
    {
        let leaks = self.item().map_or(&[][..], |i| &i.leaks);
        Against { forbidden: &self.content.voice.hears.interviewer, earlier, leaks, questions: 1 }
    }

    /// Wordings for the move, best sources first.
    fn forms(&self) -> Vec<String> {
        let says = &self.content.voice.says;
        let own = self.own_forms();
        match self.next.act {
            Act::OpenStage => self.stage_forms(),
            Act::AssumeAndMove if self.is_review() => self.stage_forms(),
            Act::AskWhichHolds if self.next.earlier_of_resume => says.against_resume.clone(),
            Act::Answer if self.is_review() => says.review.answer.clone(),
            Act::Probe | Act::Deepen => own,
            Act::Adapt if !own.is_empty() => own,
            Act::BreakClaim | Act::AskProperty | Act::AskLoad | Act::AskEffect | Act::AskTheirView
                if !own.is_empty() =>
            {
                own
            }
            Act::NextStory => self.next_story(),
            Act::TakeAMoment => {
                let nearby = self.story_question(|q| &q.nearby);
                let own: Vec<String> = if nearby.is_empty() { self.stage_forms() } else { vec![nearby] };
                own.iter().flat_map(|first| self.with_first(says.wordings(Act::TakeAMoment), first)).collect()
            }
            Act::OfferNearby => self.with_first(says.wordings(Act::OfferNearby), &self.story_question(|q| &q.nearby)),
            Act::Counterfactual => vec![self.story_question(|q| &q.counterfactual)],
            Act::LastQuestion if self.is_early() => says.early.close.clone(),
            Act::LastQuestion => says.openings(Stage::Close).to_vec(),
            Act::Redirect | Act::BackToIt => {
                let again = if own.is_empty() { self.stage_forms() } else { own };
                let firsts = again.iter().filter(|f| !hangs(f));
                firsts.flat_map(|first| self.with_first(says.wordings(self.next.act), first)).collect()
            }
            act if self.plan.round == Round::Behavioural && says.on_story.contains_key(&act) => {
                says.on_story.get(&act).cloned().unwrap_or_default()
            }
            act => says.wordings(act).to_vec(),
        }
    }

    fn with_first(&self, forms: &[String], first: &str) -> Vec<String> {
        if first.is_empty() {
            return Vec::new();
        }
        forms.iter().map(|form| form.replace("{first}", first)).collect()
    }

    /// Opens a story; on a line of the posting that asks for it, each line once.
    fn next_story(&self) -> Vec<String> {
        let ask = self.story_question(|q| &q.ask);
        let plain = self.with_first(self.content.voice.says.wordings(Act::NextStory), &ask);
        let (content, plan, next) = (self.content, self.plan, self.next);
        let wanted = plan.wanted.requirement(&next.story);
        let said = |line: &str| self.asked_before().iter().any(|t| t.contains(line));
        let fresh = wanted.is_some_and(|line| !said(line)) || plan.claim(next.stage).is_some_and(|c| !said(&c.text));
        match on_document(content, plan, next.stage, &next.story, &ask, &mut self.dice("document")).filter(|_| fresh) {
            // Already filled: braces in it are not slots, but the checks would take them for open ones.
            Some(led) if !led.contains(['{', '}']) => vec![led],
            _ => plain,
        }
    }

    fn story_question(&self, part: impl Fn(&Question) -> &String) -> String {
        let id = if self.next.question.is_empty() {
            self.plan.stories.iter().find(|s| s.competency == self.next.story).map_or("", |s| s.question.as_str())
        } else {
            &self.next.question
        };
        question(self.content, &self.next.story, id).map(|q| part(q).clone()).unwrap_or_default()
    }

    /// Wordings that the topic brings.
    fn own_forms(&self) -> Vec<String> {
        let topic = self.next.topic.as_str();
        if let Some(item) = self.item() {
            return item.probes.clone();
        }
        let flag = |flags: &[RedFlag]| flags.iter().find(|f| f.id == topic).map(|f| f.probes.clone());
        if let Some(problem) = self.problem() {
            if let Some(probes) = flag(&problem.red_flags) {
                return probes;
            }
            let (head, tail) = topic.split_once('/').unwrap_or((topic, ""));
            if head == "change" {
                let curveball = problem.curveballs.iter().find(|c| c.id == tail);
                return curveball.map(|c| c.probes.clone()).unwrap_or_default();
            }
            let dive = problem.dives.iter().find(|d| d.id == head);
            return dive.and_then(|d| rung(d, tail)).map(|r| r.probes.clone()).unwrap_or_default();
        }
        let Some(story) = self.story() else { return Vec::new() };
        if let Some(probes) = flag(&story.red_flags) {
            return probes;
        }
        let slot = topic.split_once('/').map_or("", |(_, slot)| slot);
        story.slots.iter().find(|s| s.slot.id() == slot).map(|s| s.probes.clone()).unwrap_or_default()
    }

    /// First questions of the move's stage.
    fn stage_forms(&self) -> Vec<String> {
        let says = &self.content.voice.says;
        let stage = self.next.stage;
        let on_claim = on_claim(self.content, self.plan, stage);
        if !on_claim.is_empty() {
            return on_claim;
        }
        if stage.is_story() {
            return vec![self.story_question(|q| &q.ask)];
        }
        let Some(problem) = self.problem() else { return says.openings(stage).to_vec() };
        if stage == Stage::Change {
            let id = self.next.topic.strip_prefix("change/").unwrap_or_default();
            return problem.curveballs.iter().filter(|c| c.id == id).map(|c| c.says.clone()).collect();
        }
        if stage == Stage::DiveB && !self.next.topic.is_empty() {
            let firsts = self.own_forms();
            let plain = firsts.iter().filter(|f| !hangs(f));
            return plain.flat_map(|first| self.with_first(says.openings(stage), first)).collect();
        }
        let of_problem = stage.phase().and_then(|p: Phase| problem.openings.get(&p));
        let of_review = says.review.openings.get(&stage).filter(|_| self.is_review());
        of_problem
            .filter(|forms| !forms.is_empty())
            .or(of_review)
            .cloned()
            .unwrap_or_else(|| says.openings(stage).to_vec())
    }

    /// Fills the slots; none when a slot has nothing to stand in it.
    fn fill(&self, form: &str) -> Option<String> {
        let next = self.next;
        let area = self.area();
        let areas = listed(&next.held_back.iter().take(3).map(String::as_str).collect::<Vec<_>>(), "and");
        let left = self.minutes_left();
        let is_part = anchor::is_part(&self.content.voice.phrases, &next.quote);
        let slots = [
            ("quote", next.quote.as_str()),
            ("part", if is_part { next.quote.as_str() } else { "" }),
            ("earlier", &next.earlier_quote),
            ("area", &area),
            ("areas", &areas),
            ("minutes", &left),
        ];
        let empty = slots.iter().any(|(name, value)| value.is_empty() && form.contains(&format!("{{{name}}}")));
        (!empty && !form.is_empty()).then(|| fill(form, &slots))
    }

    fn area(&self) -> String {
        let dive = self.next.topic.split('/').next().unwrap_or_default();
        let of_dive = self.problem().and_then(|p| p.dives.iter().find(|d| d.id == dive)).map(|d| d.area.clone());
        of_dive.or_else(|| self.item().map(|i| i.area.clone())).unwrap_or_default()
    }

    fn minutes_left(&self) -> String {
        let at = self.turns.iter().rev().find_map(|t| t.at_ms).unwrap_or(0);
        (self.plan.total_ms().saturating_sub(at) / 60_000).max(1).to_string()
    }

    /// A neutral beginning in about one of three turns, not before a quotation or a stage's opening.
    fn may_acknowledge(&self, question: &str) -> bool {
        let plain =
            matches!(self.next.act, Act::Probe | Act::Deepen | Act::AskMechanism | Act::RaiseBar | Act::AskNumber);
        plain
            && !question.contains('“')
            && !self.tells_back(question)
            && checks::question_of(question).len() < 160
            && self.dice("ack").below(3) == 0
    }

    fn acknowledgement(&self) -> String {
        let all = &self.content.voice.says.acknowledgements;
        let asked = self.asked_before();
        let recent: Vec<&str> = asked.iter().rev().take(3).copied().collect();
        let fresh: Vec<&String> = all.iter().filter(|a| !recent.iter().any(|r| r.starts_with(a.as_str()))).collect();
        self.dice("which-ack").pick(&fresh).map(|a| (*a).clone()).unwrap_or_default()
    }
}

/// Whether a wording has a place for the candidate's own words.
#[must_use]
pub fn hangs(form: &str) -> bool {
    form.contains("{quote}") || form.contains("{part}")
}

/// The first letter small, unless it is the word "I".
fn lower_first(text: &str) -> String {
    if text.starts_with("I ") {
        return text.to_owned();
    }
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_lowercase().chain(chars).collect())
}

/// Puts values into `{slots}`. A value is data: braces in it are not slots.
pub(super) fn fill(form: &str, slots: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(form.len() + 40);
    let mut rest = form;
    while let Some(open) = rest.find('{') {
        text.push_str(&rest[..open]);
        let after = &rest[open..];
        let slot =
            slots.iter().find(|(name, _)| after[1..].starts_with(name) && after[1 + name.len()..].starts_with('}'));
        if let Some((name, value)) = slot {
            text.push_str(value);
            rest = &after[name.len() + 2..];
        } else {
            text.push('{');
            rest = &after[1..];
        }
    }
    text.push_str(rest);
    text
}

/// "a, b and c".
pub(super) fn listed(items: &[&str], last: &str) -> String {
    match items {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., end] => format!("{} {last} {end}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests;
