//! What the interviewer says and listens for, apart from the problems: time plans, wordings, word lists, and the
//! flagship project of behavioural rounds. Files `prompts/interviewer/*.toml`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Competency, Dimension};
use crate::interview::note::Act;
use crate::interview::plan::{PlannedStage, Stage};
use crate::interview::transcript::Round;

/// All of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Voice {
    /// Time plans.
    pub plans: Vec<TimePlan>,
    /// What is said.
    pub says: Says,
    /// What is listened for.
    pub hears: Hears,
    /// Words for one and the same thing.
    pub asks: Asks,
    /// How a phrase is cut out of an answer.
    pub phrases: Phrases,
    /// What job postings ask for.
    pub themes: Vec<Theme>,
    /// The project that a behavioural round looks at first.
    pub flagship: Competency,
}

/// A time plan: seconds per stage.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TimePlan {
    /// Which interview.
    pub round: Round,
    /// Its length.
    pub minutes: u32,
    /// Stages with seconds, in order.
    pub stages: Vec<(Stage, u64)>,
}

/// `voice.toml`: wordings with slots.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Says {
    /// Neutral beginnings.
    pub acknowledgements: Vec<String>,
    /// Sentences that hang a question on the candidate's words.
    pub lead_ins: Vec<String>,
    /// What the candidate told of themselves, told back before a question.
    pub told_back: Vec<String>,
    /// Goes back to something, with time left.
    pub go_back: Vec<String>,
    /// Before facts that are told again.
    pub told_before: Vec<String>,
    /// Clock warnings by minutes left.
    pub minutes_left: BTreeMap<String, String>,
    /// For a question that the fact sheet does not answer.
    pub not_on_sheet: Vec<String>,
    /// The same, when another question of the turn was answered.
    pub rest_not_on_sheet: Vec<String>,
    /// Before facts that were asked for in an earlier turn.
    pub asked_earlier: Vec<String>,
    /// After facts, when more was asked for than is told at once.
    pub parked: Vec<String>,
    /// Cost of hint rungs 1 to 4.
    pub hint_costs: [String; 4],
    /// Behavioural: what a re-phrase costs.
    pub rephrase_cost: String,
    /// Behavioural: the second and last help.
    pub moment: String,
    /// First words of an interview.
    pub opening: Opening,
    /// First question of a stage.
    pub openings: BTreeMap<Stage, Vec<String>>,
    /// What differs when a document is judged.
    pub review: Review,
    /// First question of a stage on a claim of the résumé, for the stages that have one.
    pub claims: BTreeMap<Stage, Vec<String>>,
    /// For a statement that does not go with a claim of the résumé ({earlier}).
    pub against_resume: Vec<String>,
    /// The first question of a story that a job posting asks for: {requirement} stands in the posting.
    pub requirement: Vec<String>,
    /// The first question of a story in a round without a project of its own: {claim} stands in the résumé.
    pub claim_first: Vec<String>,
    /// Wordings by act.
    pub wordings: BTreeMap<Act, Vec<String>>,
    /// The same in behavioural rounds, where they differ.
    pub on_story: BTreeMap<Act, Vec<String>>,
    /// When all is asked and a good part of the time is left.
    pub early: Early,
    /// What a model is told to ask for when it words the move itself, by act; an act that is left out is never worded freely.
    pub instructions: BTreeMap<Act, Vec<String>>,
    /// The last resort, for any act.
    pub spare: Vec<String>,
    /// Last words.
    pub end: Vec<String>,
}

/// Wordings for rounds in which a document is judged and nothing is built.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// First question of a stage, where it differs.
    pub openings: BTreeMap<Stage, Vec<String>>,
    /// After facts.
    pub answer: Vec<String>,
}

/// The end before its time.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Early {
    /// The last question.
    pub close: Vec<String>,
    /// The last words.
    pub end: Vec<String>,
}

/// First words of an interview.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// Design rounds.
    pub design: Vec<String>,
    /// Design rounds with a document to judge.
    pub review: Vec<String>,
    /// Behavioural rounds.
    pub behavioural: Vec<String>,
    /// How the stages of a design round are named in the time plan.
    pub parts_design: BTreeMap<Stage, String>,
}

/// `ears.toml`: cues and word lists.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each list says in its file what it is")]
pub struct Hears {
    pub injection: Vec<String>,
    pub asks_for_answer: Vec<String>,
    pub asks_again: Vec<String>,
    pub done: Vec<String>,
    pub does_not_know: Vec<String>,
    pub finds_out: Vec<String>,
    pub stuck: Vec<String>,
    pub hypothetical: Vec<String>,
    pub no_story: Vec<String>,
    pub confidential: Vec<String>,
    pub distress: Vec<String>,
    pub blames: Vec<String>,
    pub off_topic: Vec<String>,
    pub result: Vec<String>,
    pub first_person: Vec<String>,
    pub we_person: Vec<String>,
    pub reasons: Vec<String>,
    pub products: Vec<String>,
    pub components: Vec<String>,
    pub heavy: Vec<String>,
    pub opposites: Vec<[String; 2]>,
    pub tensions: Vec<[String; 2]>,
    pub claims: Vec<String>,
    pub interviewer: Forbidden,
    pub lint: LintLists,
}

/// `concepts.toml`: how the questions of candidates are read.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Asks {
    /// Words that say nothing about what is asked.
    pub small: BTreeSet<String>,
    /// Cues by what they stand for.
    pub concepts: BTreeMap<String, Vec<String>>,
}

/// One of `posting.toml`: something that a job posting asks for.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Theme {
    /// Unique.
    pub id: String,
    /// Cues in a posting.
    pub posting: Vec<String>,
    /// Cues in the questions and reasons of a problem's topics.
    pub content: Vec<String>,
    /// Dimensions that it speaks of.
    pub dimensions: Vec<Dimension>,
    /// Competencies that it speaks of.
    pub competencies: Vec<String>,
}

/// `phrases.toml`: word lists.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each list says in its file what it is")]
pub struct Phrases {
    pub small: BTreeSet<String>,
    pub verbs: BTreeSet<String>,
    pub nouns_in_es: BTreeSet<String>,
    pub before_verbs: BTreeSet<String>,
    pub before_participles: BTreeSet<String>,
    pub parts: BTreeSet<String>,
    pub told_past: BTreeSet<String>,
    pub told_would: BTreeSet<String>,
    pub told_now: BTreeSet<String>,
    pub told_never: BTreeSet<String>,
}

/// What the interviewer must never say.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each list says in its file what it is")]
pub struct Forbidden {
    pub praise: Vec<String>,
    pub verdicts: Vec<String>,
    pub meta: Vec<String>,
    pub answers_itself: Vec<String>,
}

/// Lists for the linter alone.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LintLists {
    /// What a brief must not name.
    pub technology: Vec<String>,
}

impl Voice {
    /// The stages of a round of this length on the interview clock; none if it is not planned.
    #[must_use]
    pub fn stages(&self, round: Round, minutes: u32) -> Option<Vec<PlannedStage>> {
        let plan = self.plans.iter().find(|p| p.round == round && p.minutes == minutes)?;
        let mut at = 0;
        Some(
            plan.stages
                .iter()
                .map(|&(stage, seconds)| {
                    let starts_ms = at;
                    at += seconds * 1000;
                    PlannedStage { stage, starts_ms, ends_ms: at }
                })
                .collect(),
        )
    }
}

impl Says {
    /// Wordings of an act; empty if it has none of its own.
    #[must_use]
    pub fn wordings(&self, act: Act) -> &[String] {
        self.wordings.get(&act).map_or(&[], Vec::as_slice)
    }

    /// First questions of a stage; empty if its problem or story brings them.
    #[must_use]
    pub fn openings(&self, stage: Stage) -> &[String] {
        self.openings.get(&stage).map_or(&[], Vec::as_slice)
    }
}
