//! What the program found in one answer, and why it said what it said next. Stored as JSON beside the candidate's
//! turn; (plan, turns, notes, hints) is the whole state of an interview.
//!
//! Never shown in a session; revealed when it is finished. Fields may be added (every field has a default).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::plan::Stage;
use super::way::Said;

/// What sort of answer it is, found by code first and by P(yes) where code cannot know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerClass {
    /// Nothing in particular: an ordinary answer.
    #[default]
    Plain,
    /// Covers what was asked, with a mechanism or a number.
    Strong,
    /// A choice without a mechanism ("we'd shard it").
    Vague,
    /// A product in place of a reason.
    NameDrop,
    /// Heavier than the numbers ask for.
    OverBuilt,
    /// A stated constraint is missed.
    UnderScoped,
    /// A claim that is not so.
    Wrong,
    /// Says the opposite of an earlier turn.
    Contradiction,
    /// Components before constraints.
    DesignsFirst,
    /// Far too long on something that was not asked.
    RabbitHole,
    /// Very long.
    Rambles,
    /// Says plainly that they do not know.
    DoesNotKnow,
    /// No progress.
    Stuck,
    /// Has nothing more to say or to ask.
    Done,
    /// Asks questions of the interviewer (facts).
    Asks,
    /// Asks for requirements for ever.
    AsksForever,
    /// Not about the interview.
    OffTopic,
    /// Tries to instruct the program.
    Injection,
    /// Asks for the answer or a score.
    AsksForAnswer,
    /// Did not follow the question, or asks why it is asked.
    AsksAgain,
    /// Empty, emoji only, random letters.
    Gibberish,
    /// Words in another language.
    OtherLanguage,
    /// Program text.
    Code,
    /// The interviewer's own words given back.
    Echo,
    /// Behavioural: "we" throughout.
    AllWe,
    /// Behavioural: "I would".
    Hypothetical,
    /// Behavioural: no such story.
    NoStory,
    /// Behavioural: lays it on others.
    Blames,
    /// Behavioural: the same story again.
    SameStory,
    /// Behavioural: may not tell.
    Confidential,
    /// Behavioural: it hurts to tell.
    Distress,
}

impl AnswerClass {
    /// Whether an answer of this class may hold evidence at all.
    #[must_use]
    pub const fn holds_content(self) -> bool {
        !matches!(
            self,
            Self::Injection
                | Self::Gibberish
                | Self::OtherLanguage
                | Self::Code
                | Self::Echo
                | Self::OffTopic
                | Self::AsksForAnswer
                | Self::AsksAgain
                | Self::Distress
        )
    }
}

/// One thing found in an answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Finding {
    /// Checklist id, `dive/rung`, `story/slot`, curveball id or red-flag id.
    pub id: String,
    /// The candidate's words in which a cue was found (verbatim, a clause of at most 16 words).
    pub quote: String,
    /// A short phrase of it that reads as a thing; empty if there is none.
    pub anchor: String,
    /// The cue, if one was found.
    pub cue: Option<String>,
    /// The model's P(yes), if it was asked.
    pub p_yes: Option<f32>,
    /// The probability that all evidence together gives, where it is weighed.
    pub weighed: Option<f32>,
}

/// Two statements that do not go together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Contradiction {
    /// The earlier turn.
    pub earlier_seq: u32,
    /// Its words (verbatim).
    pub earlier: String,
    /// The words of this turn (verbatim).
    pub now: String,
    /// The earlier words stand in the résumé; `earlier_seq` is then 0.
    pub of_resume: bool,
    /// The model's P(yes), if it was asked.
    pub p_yes: Option<f32>,
}

/// What the interviewer does next, decided by code. The words come later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Move {
    /// The stage it belongs to.
    pub stage: Stage,
    /// What is done.
    pub act: Act,
    /// The thread: checklist id, `dive/rung`, `story/slot`, flag id, curveball id. Empty for none.
    pub topic: String,
    /// A short piece of the candidate's words to hang the question on (verbatim; may be empty).
    pub quote: String,
    /// The piece is about this very thread, so that a wording may have it inside.
    pub quote_fits: bool,
    /// The piece belongs to what was just spoken about on this thread, so that the question may begin with it.
    pub quote_near: bool,
    /// A second piece, for contradictions.
    pub earlier_quote: String,
    /// The second piece stands in the résumé.
    pub earlier_of_resume: bool,
    /// Facts to tell first, by id.
    pub facts: Vec<String>,
    /// The facts were asked for in an earlier turn and put off.
    pub of_earlier: bool,
    /// The facts were told before: they are asked for again.
    pub told_before: bool,
    /// Facts asked for that have to wait for the next turn.
    pub parked: usize,
    /// The candidate asked for something that the sheet does not hold.
    pub not_on_sheet: bool,
    /// What the candidate told of themselves, told back ("You built a small prototype"); may be empty.
    pub told_back: String,
    /// All is asked and time is left: goes back to something.
    pub goes_back: bool,
    /// Behavioural: which story this is about (competency id).
    pub story: String,
    /// Behavioural: which question opens it.
    pub question: String,
    /// A clock warning to say first: minutes left (7 to 10, or 1 to 3), 0 for none.
    pub minutes_left: u32,
    /// Why this and not something else, for the notes.
    pub why: String,
    /// What was held back: open items not asked about.
    pub held_back: Vec<String>,
}

impl Default for Move {
    fn default() -> Self {
        Self {
            stage: Stage::Close,
            act: Act::End,
            topic: String::new(),
            quote: String::new(),
            quote_fits: false,
            quote_near: false,
            earlier_quote: String::new(),
            earlier_of_resume: false,
            facts: Vec::new(),
            of_earlier: false,
            told_before: false,
            parked: 0,
            not_on_sheet: false,
            told_back: String::new(),
            goes_back: false,
            story: String::new(),
            question: String::new(),
            minutes_left: 0,
            why: String::new(),
            held_back: Vec::new(),
        }
    }
}

impl Move {
    /// Whether `text`, as which this was said, takes up the candidate's own words: quoted or told back.
    #[must_use]
    pub fn takes_up(&self, text: &str) -> bool {
        let told = self.told_back.to_lowercase();
        text.contains('“') || (!told.is_empty() && text.to_lowercase().contains(&told))
    }

    /// Whether the interview is over once this has been said.
    #[must_use]
    pub fn ends(&self) -> bool {
        self.act == Act::End
    }
}

/// What is done in a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Opens a stage with its own question.
    OpenStage,
    /// Answers from the fact sheet and gives the word back.
    Answer,
    /// Asks about an open item or slot.
    Probe,
    /// Goes one level deeper in a dive.
    Deepen,
    /// Asks for the mechanism behind a vague choice.
    AskMechanism,
    /// Asks which property a named product is needed for.
    AskProperty,
    /// Asks which load makes a heavy part necessary.
    AskLoad,
    /// Restates a missed constraint and asks for its effect.
    AskEffect,
    /// Gives a case in which a claim breaks.
    BreakClaim,
    /// Reads two statements and asks which holds.
    AskWhichHolds,
    /// Asks what is assumed, before components.
    AskAssumptions,
    /// Parks a rabbit hole: names remaining topics and lets the candidate choose.
    Park,
    /// Cuts in on a long answer and asks for the headline.
    CutIn,
    /// Takes an "I don't know" further: how to find out, how to bound it.
    HowToFindOut,
    /// Gives room to think aloud.
    ThinkAloud,
    /// Behavioural: a moment, and a smaller case.
    TakeAMoment,
    /// Offers a hint by name, without giving it.
    OfferHint,
    /// Says: assume and move.
    AssumeAndMove,
    /// Brings an answer back to the question.
    Redirect,
    /// Declines to give the answer or a score.
    Decline,
    /// Asks for the answer again (nothing usable was said).
    AskAgain,
    /// Asks for English.
    AskInEnglish,
    /// Asks for words in place of program text.
    WalkThroughCode,
    /// A curveball was not taken up: asks once what it changes.
    Adapt,
    /// Raises the bar on a strong answer: number, failure, next size.
    RaiseBar,
    /// Behavioural: whose part was it.
    AskOwnPart,
    /// Behavioural: what is theirs in their work at large.
    AskContribution,
    /// Behavioural: a real case, please.
    AskRealCase,
    /// Behavioural: how did you know, how large.
    AskNumber,
    /// Behavioural: a nearby situation.
    OfferNearby,
    /// Behavioural: counterfactual for a polished answer.
    Counterfactual,
    /// Behavioural: what would they say.
    AskTheirView,
    /// Behavioural: another story, please.
    AskAnother,
    /// Behavioural: opens the next story.
    NextStory,
    /// Goes back to the open question after a redirect.
    BackToIt,
    /// Behavioural: leave names out.
    LeaveNamesOut,
    /// Behavioural: slow down, offer to skip.
    OfferSkip,
    /// An arrow on the whiteboard that leads nowhere: where does it go.
    AskArrowEnd,
    /// An arrow on the whiteboard that comes from nowhere.
    AskArrowStart,
    /// The last question.
    LastQuestion,
    /// Ends, without a verdict and without a question.
    End,
}

impl Act {
    /// Whether it goes on from what the candidate said: not the first question of a part, an answer, or a redirect.
    #[must_use]
    pub const fn follows_up(self) -> bool {
        !matches!(
            self,
            Self::OpenStage
                | Self::NextStory
                | Self::LastQuestion
                | Self::End
                | Self::Answer
                | Self::AssumeAndMove
                | Self::Redirect
                | Self::Decline
                | Self::BackToIt
                | Self::AskAgain
                | Self::AskInEnglish
                | Self::OfferHint
                | Self::AskArrowEnd
                | Self::AskArrowStart
        )
    }
}

/// What was found in one answer, and what followed from it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Note {
    /// The sort of answer.
    pub class: AnswerClass,
    /// The stage in which it was given.
    pub stage: Option<Stage>,
    /// Items, rungs and slots that it covers.
    pub covered: Vec<Finding>,
    /// Red flags that it raises.
    pub flags: Vec<Finding>,
    /// Facts it asked for, by id, in the order of asking.
    pub facts: Vec<String>,
    /// Of those, the ones that only the model matched, each with the question.
    pub matched: Vec<Finding>,
    /// It asked for something that is not on the sheet.
    pub not_on_sheet: bool,
    /// Design: the dive that it goes into, by id.
    pub dive: String,
    /// It contradicts an earlier turn.
    pub contradiction: Option<Contradiction>,
    /// A piece to hang the next question on, if no cue gave one.
    pub anchor: String,
    /// Words counted.
    pub words: usize,
    /// Model judgements that were asked and not decisive (id, P(yes)): kept so that the report can show them.
    pub undecided: Vec<Finding>,
    /// How likely each open item is covered by this answer, where it is not covered yet: several half-sayings add up.
    pub leaning: BTreeMap<String, f32>,
    /// Why the model did not judge, if it did not.
    pub engine_trouble: Option<String>,
    /// Seconds spent on listening.
    pub seconds: f64,
    /// What was said next, and why. Set by the session once decided.
    pub next: Option<Move>,
    /// How that came to its words. Set once it was said.
    pub said: Option<Said>,
}

impl Note {
    /// The same note with the move that followed.
    #[must_use]
    pub fn followed_by(mut self, next: Move) -> Self {
        self.next = Some(next);
        self
    }
}
