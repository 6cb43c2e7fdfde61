//! A candidate at the table: hears a move, says something, and knows what it said.

use std::collections::{BTreeMap, BTreeSet};

use super::bank::Bank;
use super::profile::{Manner, Profile};
use crate::interview::dice::Dice;
use crate::interview::note::{Act, AnswerClass, Move};
use crate::interview::plan::{Plan, Stage};
use crate::interview::transcript::Round;

/// When everything that somebody wanted to know was told.
const ENOUGH_TO_BEGIN: &str = "Thank you, that is enough for me to begin with.";

/// What was said, with its labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The words.
    pub text: String,
    /// The topic that was asked about and answered from the bank, as the notes name it.
    pub topic: Option<String>,
    /// Whether that answer covers the topic.
    pub covers_topic: bool,
    /// What else it covers.
    pub covers: Vec<String>,
    /// What it should be taken for, when it is no ordinary answer.
    pub class: Option<AnswerClass>,
}

/// One person in one interview.
pub struct Candidate<'a> {
    profile: &'a Profile,
    banks: &'a BTreeMap<String, Bank>,
    seed: u64,
    answers: usize,
    replied: BTreeMap<Act, usize>,
    others: usize,
    asked: BTreeSet<String>,
}

impl<'a> Candidate<'a> {
    /// Somebody who has not said anything yet.
    #[must_use]
    pub fn new(profile: &'a Profile, banks: &'a BTreeMap<String, Bank>, seed: u64) -> Self {
        Self { profile, banks, seed, answers: 0, replied: BTreeMap::new(), others: 0, asked: BTreeSet::new() }
    }

    /// What is said to a move.
    pub fn answer(&mut self, plan: &Plan, asked: &Move) -> Said {
        self.answers += 1;
        let now = self.answers;
        let fits = |round: Option<Round>| round.is_none_or(|r| r == plan.round);
        if let Some(said) = self.profile.interjections.iter().find(|i| i.at == now && fits(i.round)) {
            return unlabelled(&said.text, Some(said.class));
        }
        if let Some(replies) = self.profile.replies.get(&asked.act).filter(|r| !r.is_empty()) {
            let times = self.replied.entry(asked.act).or_default();
            let text = &replies[(*times).min(replies.len() - 1)];
            *times += 1;
            return unlabelled(text, None);
        }
        if self.profile.manner == Manner::OnlyOtherwise {
            return self.otherwise();
        }
        let said = self.bank_answer(plan, asked);
        if asked.act == Act::Answer {
            *self.replied.entry(Act::Answer).or_default() += 1;
        }
        // Nobody asks for the same figures again and again.
        let again = |said: &Said| asked.act == Act::Answer && self.asked.contains(&said.text);
        match said {
            Some(said) if again(&said) => unlabelled(ENOUGH_TO_BEGIN, None),
            Some(said) => {
                self.asked.insert(said.text.clone());
                said
            }
            None => self.otherwise(),
        }
    }

    fn bank_answer(&self, plan: &Plan, asked: &Move) -> Option<Said> {
        let (bank, topic) = match plan.round {
            Round::SystemDesign => {
                let times = self.replied.get(&Act::Answer).copied().unwrap_or(0);
                (self.banks.get(&plan.problem)?, design_topic(asked, times))
            }
            Round::Behavioural => story_topic(self.banks, plan, asked)?,
        };
        let answer = bank.on(&topic)?;
        let key = format!("{}/{}/{topic}", self.profile.id, bank.of);
        let knows = (Dice::keyed(self.seed, &key).below(1000) as f32) < self.profile.good * 1000.0;
        let stage_topic = topic.starts_with("stage/");
        // What the notes call it: slots are told per stage.
        let noted = |topic: &str| match plan.round {
            Round::Behavioural => format!("{}/{topic}", asked.stage.id()),
            Round::SystemDesign => topic.to_owned(),
        };
        let text = match (knows, self.profile.instead_of_gap.as_slice()) {
            (true, _) => self.framed(&answer.good),
            (false, []) => self.framed(&answer.gap),
            (false, instead) => {
                let text = &instead[self.answers % instead.len()];
                return Some(Said {
                    topic: (!stage_topic).then(|| noted(&topic)),
                    ..unlabelled(text, Some(AnswerClass::DoesNotKnow))
                });
            }
        };
        Some(Said {
            text,
            topic: (!stage_topic).then(|| noted(&topic)),
            covers_topic: knows,
            covers: if knows { answer.covers.iter().map(|c| noted(c)).collect() } else { Vec::new() },
            class: None,
        })
    }

    fn framed(&self, answer: &str) -> String {
        let frames = &self.profile.frames;
        let text = match frames.get(self.answers % frames.len().max(1)) {
            Some(frame) => frame.replace("{answer}", answer),
            None => answer.to_owned(),
        };
        if self.profile.manner == Manner::Rambling { format!("{} {text}", padding(self.answers)) } else { text }
    }

    fn otherwise(&mut self) -> Said {
        let all = &self.profile.otherwise;
        let text = all.get(self.others % all.len().max(1)).map_or("", String::as_str);
        self.others += 1;
        unlabelled(text, None)
    }
}

fn unlabelled(text: &str, class: Option<AnswerClass>) -> Said {
    Said { text: text.to_owned(), topic: None, covers_topic: false, covers: Vec::new(), class }
}

fn design_topic(asked: &Move, times: usize) -> String {
    match asked.act {
        Act::Answer if times == 0 => format!("stage/{}-more", asked.stage.id()),
        _ if asked.topic.is_empty() => format!("stage/{}", asked.stage.id()),
        _ => asked.topic.clone(),
    }
}

/// The bank of the story, and the slot or the stage's first question.
fn story_topic<'b>(banks: &'b BTreeMap<String, Bank>, plan: &Plan, asked: &Move) -> Option<(&'b Bank, String)> {
    let story = match (asked.story.as_str(), asked.stage) {
        ("", stage) if stage.is_story() => plan.problem.as_str(),
        ("", _) => "common",
        (story, _) => story,
    };
    let bank = banks.get(story)?;
    let slot = asked.topic.split_once('/').map(|(_, slot)| slot.to_owned());
    let first = matches!(asked.stage, Stage::Flagship | Stage::Story1 | Stage::Story2 | Stage::Story3);
    Some((
        bank,
        slot.unwrap_or_else(|| if first { "stage/story".into() } else { format!("stage/{}", asked.stage.id()) }),
    ))
}

/// Long, and about nothing that was asked.
fn padding(seed: usize) -> String {
    const LINES: [&str; 6] = [
        "So, there is a lot of history here, and I could begin in many places, but let me begin with how the office looked at that point and who sat next to whom.",
        "And that reminds me of another company where things were quite similar, although the building was on the other side of the river and the coffee was better.",
        "There are many schools of thought about this, and people write long articles, and some of these articles are longer than they have to be, as everybody knows.",
        "Anyway, what one has to understand is that it is all connected, one thing to the other, and when you pull at one end then something moves at the other end.",
        "I had a colleague who used to say that every evening, and then we would all laugh, and then somebody would tell the story of the yellow chair once more.",
        "But to come back to it, or nearly, one should first of all say what it is not, and it is not a simple matter, it never was, and I doubt that it will be.",
    ];
    (0..14).map(|at| LINES[(at + seed) % LINES.len()]).collect::<Vec<_>>().join(" ")
}
