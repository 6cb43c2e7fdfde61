//! The plan of one session: what was chosen and how the time is cut. Frozen at creation, stored as JSON.
//!
//! Knows content and choices; knows nothing of turns, notes or the clock's hand.

use serde::{Deserialize, Serialize};

use super::dice::Dice;
use super::session::{NewSession, PhaseView, SessionError};
use super::tailoring::{self, Wanted};
use super::transcript::{Level, Mode, Round};
use crate::content::{Content, Phase};
use crate::documents::claims::{self, Claim};

/// The stages of both rounds, in order of play.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Time plan and brief.
    Open,
    /// Design: scale, latency, consistency, cost, operations.
    Constraints,
    /// Design: numbers, entities, API.
    Sizing,
    /// Design: one working path.
    HighLevel,
    /// Design: the candidate's deep dive.
    DiveA,
    /// Design: a deep dive into what is not yet covered.
    DiveB,
    /// Design: a constraint changes.
    Change,
    /// Design: detect, roll out, roll back.
    Operate,
    /// Design: what else, biggest risk.
    Alternatives,
    /// Behavioural: role, team, what they own.
    Background,
    /// Behavioural: the most complex thing led end to end.
    Flagship,
    /// Behavioural: first story.
    #[serde(rename = "story-1")]
    Story1,
    /// Behavioural: second story.
    #[serde(rename = "story-2")]
    Story2,
    /// Behavioural: third story.
    #[serde(rename = "story-3")]
    Story3,
    /// Behavioural: widest effect, a changed mind.
    Stretch,
    /// Behavioural: what they would do otherwise.
    Learning,
    /// Last words; no verdict.
    Close,
}

impl Stage {
    /// The stable id, as in the plan and on the wire.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Constraints => "constraints",
            Self::Sizing => "sizing",
            Self::HighLevel => "high-level",
            Self::DiveA => "dive-a",
            Self::DiveB => "dive-b",
            Self::Change => "change",
            Self::Operate => "operate",
            Self::Alternatives => "alternatives",
            Self::Background => "background",
            Self::Flagship => "flagship",
            Self::Story1 => "story-1",
            Self::Story2 => "story-2",
            Self::Story3 => "story-3",
            Self::Stretch => "stretch",
            Self::Learning => "learning",
            Self::Close => "close",
        }
    }

    /// What the page shows.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Open => "Opening",
            Self::Constraints => "Constraints",
            Self::Sizing => "Sizing and entities",
            Self::HighLevel => "High-level design",
            Self::DiveA => "Deep dive",
            Self::DiveB => "Second deep dive",
            Self::Change => "A change",
            Self::Operate => "Operating it",
            Self::Alternatives => "Alternatives",
            Self::Background => "Background",
            Self::Flagship => "A project of yours",
            Self::Story1 => "First story",
            Self::Story2 => "Second story",
            Self::Story3 => "Third story",
            Self::Stretch => "Wider effect",
            Self::Learning => "Learning",
            Self::Close => "Closing",
        }
    }

    /// The checklist phase that belongs to this stage of a design round.
    #[must_use]
    pub const fn phase(self) -> Option<Phase> {
        match self {
            Self::Constraints => Some(Phase::Constraints),
            Self::Sizing => Some(Phase::Sizing),
            Self::HighLevel => Some(Phase::HighLevel),
            Self::DiveA | Self::DiveB => Some(Phase::DiveA),
            Self::Change => Some(Phase::Change),
            Self::Operate => Some(Phase::Operate),
            Self::Alternatives => Some(Phase::Alternatives),
            Self::Close => Some(Phase::Close),
            _ => None,
        }
    }

    /// Whether this stage tells one story.
    #[must_use]
    pub const fn is_story(self) -> bool {
        matches!(self, Self::Flagship | Self::Story1 | Self::Story2 | Self::Story3)
    }
}

/// One stage with its place on the interview clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStage {
    /// Which.
    pub stage: Stage,
    /// Planned start, milliseconds of interview clock.
    pub starts_ms: u64,
    /// Planned end.
    pub ends_ms: u64,
}

/// A question that may open a story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoryChoice {
    /// Competency id.
    pub competency: String,
    /// Question id.
    pub question: String,
}

/// What was chosen for one session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Which interview.
    pub round: Round,
    /// The bar.
    pub level: Level,
    /// When feedback comes.
    pub mode: Mode,
    /// Planned length.
    pub minutes: u32,
    /// Every choice below and every choice of words follows from it.
    pub seed: u64,
    /// Problem id, or the first story's competency id.
    pub problem: String,
    /// Its title.
    pub title: String,
    /// Stages with budgets, in order.
    pub stages: Vec<PlannedStage>,
    /// Behavioural: one question per competency; the first is asked first, the others as coverage asks for them.
    pub stories: Vec<StoryChoice>,
    /// Design: which curveball.
    pub curveball: Option<String>,
    /// Résumé as text.
    pub resume: Option<String>,
    /// Job posting as text.
    pub posting: Option<String>,
    /// What the résumé claims, most telling first.
    #[serde(default)]
    pub claims: Vec<Claim>,
    /// What the job posting asks for.
    #[serde(default)]
    pub wanted: Wanted,
}

impl Plan {
    /// Chooses problem, stories, curveball and budgets.
    ///
    /// # Errors
    /// [`SessionError::UnknownProblem`]; [`SessionError::Invalid`] for a length other than 15, 30 or 45.
    pub fn new(new: &NewSession, content: &Content, seed: u64) -> Result<Self, SessionError> {
        let stages = content.voice.stages(new.round, new.minutes).ok_or_else(|| {
            SessionError::Invalid(format!("an interview of {} minutes is not planned (15, 30 or 45)", new.minutes))
        })?;
        let mut dice = Dice::new(seed);
        let mut plan = Self {
            round: new.round,
            level: new.level,
            mode: new.mode,
            minutes: new.minutes,
            seed,
            problem: String::new(),
            title: String::new(),
            stages,
            stories: Vec::new(),
            curveball: None,
            resume: new.resume.clone(),
            posting: new.posting.clone(),
            claims: claimed(new, content),
            wanted: new.posting.as_deref().map(|posting| Wanted::read(content, posting)).unwrap_or_default(),
        };
        match new.round {
            Round::SystemDesign => plan.choose_problem(new, content, &mut dice)?,
            Round::Behavioural => plan.choose_stories(new, content, &mut dice)?,
        }
        Ok(plan)
    }

    fn choose_problem(&mut self, new: &NewSession, content: &Content, dice: &mut Dice) -> Result<(), SessionError> {
        let problem = match &new.problem {
            Some(id) => content.problem(id),
            None => {
                let fitting = content.problems_for(new.level);
                let near = new.posting.as_deref().map(|posting| tailoring::near(&fitting, posting));
                dice.pick(&near.filter(|near| !near.is_empty()).unwrap_or(fitting)).copied()
            }
        };
        let problem = problem.ok_or_else(|| SessionError::UnknownProblem(named(new.problem.as_deref())))?;
        self.problem.clone_from(&problem.id);
        self.title.clone_from(&problem.title);
        self.wanted.add_topics(content, problem);
        self.curveball = dice.pick(&problem.curveballs).map(|c| c.id.clone());
        Ok(())
    }

    fn choose_stories(&mut self, new: &NewSession, content: &Content, dice: &mut Dice) -> Result<(), SessionError> {
        let mut order: Vec<_> = content.competencies().collect();
        dice.shuffle(&mut order);
        if let Some(id) = &new.problem {
            let first =
                order.iter().position(|c| c.id == *id).ok_or_else(|| SessionError::UnknownProblem(id.clone()))?;
            order.swap(0, first);
        } else if let Some(first) =
            self.wanted.competencies.iter().find_map(|wanted| order.iter().position(|c| c.id == *wanted))
        {
            order.swap(0, first);
        }
        for competency in order {
            if let Some(question) = dice.pick(&competency.questions) {
                self.stories.push(StoryChoice { competency: competency.id.clone(), question: question.id.clone() });
                if self.problem.is_empty() {
                    self.problem.clone_from(&competency.id);
                    self.title.clone_from(&competency.title);
                }
            }
        }
        if self.stories.is_empty() {
            return Err(SessionError::UnknownProblem(named(new.problem.as_deref())));
        }
        Ok(())
    }

    /// The claim of the résumé that the first question of a stage picks up: the most telling one for the flagship, the
    /// next one for the background. A round without a flagship offers the most telling one for its first story.
    #[must_use]
    pub fn claim(&self, stage: Stage) -> Option<&Claim> {
        match stage {
            Stage::Flagship => self.claims.first(),
            Stage::Background => self.claims.get(1),
            Stage::Story1 if self.stages.iter().all(|s| s.stage != Stage::Flagship) => self.claims.first(),
            _ => None,
        }
    }

    /// The stages as the page shows them.
    #[must_use]
    pub fn phase_views(&self) -> Vec<PhaseView> {
        self.stages
            .iter()
            .map(|s| PhaseView {
                id: s.stage.id().to_owned(),
                title: s.stage.title().to_owned(),
                starts_ms: s.starts_ms,
                ends_ms: s.ends_ms,
            })
            .collect()
    }

    /// For reviews: the document to judge.
    #[must_use]
    pub fn document<'a>(&self, content: &'a Content) -> Option<&'a str> {
        content.problem(&self.problem).and_then(|p| p.document.as_deref())
    }

    /// Planned length on the interview clock.
    #[must_use]
    pub fn total_ms(&self) -> u64 {
        u64::from(self.minutes) * 60_000
    }

    /// The stage that the opening's question belongs to.
    #[must_use]
    pub fn first_stage(&self) -> Stage {
        self.stages.get(1).or(self.stages.first()).map_or(Stage::Close, |s| s.stage)
    }

    /// The stage after `stage`; `Close` is its own successor.
    #[must_use]
    pub fn after(&self, stage: Stage) -> Stage {
        self.stages.iter().map(|s| s.stage).find(|s| *s > stage).unwrap_or(Stage::Close)
    }

    /// Planned start of a stage; the whole length for a stage that is not planned.
    #[must_use]
    pub fn starts_ms(&self, stage: Stage) -> u64 {
        self.stages.iter().find(|s| s.stage == stage).map_or(self.total_ms(), |s| s.starts_ms)
    }

    /// Planned end of a stage; for a stage that is not planned the start of the next one.
    #[must_use]
    pub fn ends_ms(&self, stage: Stage) -> u64 {
        let planned = self.stages.iter().find(|s| s.stage == stage);
        planned.map_or_else(|| self.starts_ms(self.after(stage)), |s| s.ends_ms)
    }
}

/// Only stories pick claims up.
fn claimed(new: &NewSession, content: &Content) -> Vec<Claim> {
    let hears = &content.voice.hears;
    let cues = claims::Cues { verbs: &hears.claims, injection: &hears.injection };
    match (new.round, &new.resume) {
        (Round::Behavioural, Some(resume)) => claims::claims(resume, cues),
        _ => Vec::new(),
    }
}

fn named(id: Option<&str>) -> String {
    id.unwrap_or("(none is installed)").to_owned()
}
