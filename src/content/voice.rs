//! What the interviewer says and listens for, apart from the problems: time plans, wordings, word lists.
//! Files `prompts/interviewer/*.toml`.

use serde::{Deserialize, Serialize};

use crate::interview::plan::{PlannedStage, Stage};
use crate::interview::transcript::Round;

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

/// All of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Voice {
    /// Time plans.
    pub plans: Vec<TimePlan>,
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
