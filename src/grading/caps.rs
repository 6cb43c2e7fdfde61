//! Caps: rules of the program that hold a score down, each with its reason. Pure: signals in, rules out.
//!
//! The table is `INTERVIEW`'s; its words are in `prompts/rubric.toml`. A model's mood never makes or lifts a cap.

use super::rubric::Rubric;
use super::scorecard::{AppliedCap, Evidence, Sign};
use super::signals::{Constraints, Signals};
use crate::content::Dimension;
use crate::interview::transcript::Round;

/// A rule that applies, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cap {
    /// The dimension that it holds down.
    pub dimension: Dimension,
    /// What the scorecard says.
    pub applied: AppliedCap,
}

/// All rules that the signals call for.
#[must_use]
pub fn of_signals(rubric: &Rubric, round: Round, signals: &Signals) -> Vec<Cap> {
    let mut caps = Vec::new();
    let mut add = |rule: &str, dimension, limit, reason: String, quote| {
        caps.push(Cap {
            dimension,
            applied: AppliedCap { rule: rule.into(), effect: rubric.effect(rule), limit, reason, quote },
        });
    };
    match round {
        Round::SystemDesign => {
            let early = signals.first_component.clone();
            match signals.constraints {
                Constraints::First => {}
                Constraints::AfterRedirect => add(
                    "no-constraint-before-component",
                    Dimension::Architectural,
                    3,
                    "The first component came before any constraint; it was mended after the redirect.".into(),
                    early,
                ),
                Constraints::Late => add(
                    "no-constraint-before-component",
                    Dimension::Architectural,
                    3,
                    "The first component came before any constraint was asked or assumed aloud.".into(),
                    early,
                ),
            }
            if !signals.path {
                let reason = "No request is followed from its entry through a service to a store and back.".into();
                add("no-end-to-end-path", Dimension::Architectural, 3, reason, None);
            }
            if !signals.trade_off {
                let reason = "No alternative and no price of a choice is named.".into();
                add("no-trade-off", Dimension::Architectural, 3, reason, None);
            }
            if let Some(quote) = &signals.heavy_kept {
                let reason = "No number stands behind this part, and it was kept after the challenge.".into();
                add("heavy-component-without-number", Dimension::Pragmatism, 2, reason, Some(quote.clone()));
            }
        }
        Round::Behavioural => {
            if let Some((we, i)) = signals.all_we {
                for (dimension, limit) in [(Dimension::Ownership, 2), (Dimension::Leadership, 3)] {
                    let reason = format!("{we} times \"we\", {i} times \"I\", and no own part after the probe.");
                    add("all-we", dimension, limit, reason, None);
                }
            }
            if signals.no_result {
                let reason = "The result was asked for and not told.".into();
                add("no-result", Dimension::Ownership, 3, reason, None);
            }
        }
    }
    caps
}

/// A wrong claim in one turn, its consequence shown by the interviewer (`shown_at`), and the claim again later.
#[must_use]
pub fn wrong_claim_kept(rubric: &Rubric, evidence: &[Evidence], shown_at: &[u32]) -> Option<Cap> {
    let against: Vec<&Evidence> = evidence.iter().filter(|e| e.sign == Sign::Minus).collect();
    let kept = against.iter().find(|later| {
        against.iter().any(|earlier| {
            earlier.item == later.item && shown_at.iter().any(|&at| earlier.quote.turn < at && at < later.quote.turn)
        })
    })?;
    Some(Cap {
        dimension: Dimension::Technical,
        applied: AppliedCap {
            rule: "wrong-claim-kept".into(),
            effect: rubric.effect("wrong-claim-kept"),
            limit: 2,
            reason: "The claim was made again after the interviewer had shown its consequence.".into(),
            quote: Some(kept.quote.clone()),
        },
    })
}

/// The highest anchor that evidence on a topic is worth after a hint of this rung.
#[must_use]
pub fn worth_after_hint(rung: u8) -> u8 {
    match rung {
        0 | 1 => 5,
        2 => 4,
        3 => 3,
        _ => 2,
    }
}

/// Holds a distribution over levels 1 to 5 under the lowest limit: what lies above it moves down to it.
#[must_use]
pub fn hold(levels: [f64; 5], caps: &[AppliedCap]) -> [f64; 5] {
    let limit = caps.iter().map(|c| c.limit).min().unwrap_or(5).clamp(1, 5) as usize;
    let mut held = [0.0; 5];
    for (index, p) in levels.into_iter().enumerate() {
        held[index.min(limit - 1)] += p;
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grading::scorecard::Quote;

    fn quote(turn: u32) -> Quote {
        Quote { turn, quote: "one two three four five six".into(), start: 0, end: 27 }
    }

    fn told() -> Signals {
        Signals { path: true, trade_off: true, ..Signals::default() }
    }

    #[test]
    fn every_signal_has_its_limit() {
        use Dimension::{Architectural, Leadership, Ownership, Pragmatism};
        for (round, signals, expect) in [
            (Round::SystemDesign, told(), vec![]),
            (
                Round::SystemDesign,
                Signals { constraints: Constraints::Late, ..told() },
                vec![("no-constraint-before-component", Architectural, 3)],
            ),
            (
                Round::SystemDesign,
                Signals { constraints: Constraints::AfterRedirect, ..told() },
                vec![("no-constraint-before-component", Architectural, 3)],
            ),
            (Round::SystemDesign, Signals { path: false, ..told() }, vec![("no-end-to-end-path", Architectural, 3)]),
            (Round::SystemDesign, Signals { trade_off: false, ..told() }, vec![("no-trade-off", Architectural, 3)]),
            (
                Round::SystemDesign,
                Signals { heavy_kept: Some(quote(1)), ..told() },
                vec![("heavy-component-without-number", Pragmatism, 2)],
            ),
            (
                Round::Behavioural,
                Signals { all_we: Some((9, 0)), ..Signals::default() },
                vec![("all-we", Ownership, 2), ("all-we", Leadership, 3)],
            ),
            (Round::Behavioural, Signals { no_result: true, ..Signals::default() }, vec![("no-result", Ownership, 3)]),
        ] {
            let caps = of_signals(Rubric::builtin(), round, &signals);
            let short: Vec<_> = caps.iter().map(|c| (c.applied.rule.as_str(), c.dimension, c.applied.limit)).collect();
            assert_eq!(short, expect, "{signals:?}");
            assert!(caps.iter().all(|c| c.applied.effect.contains("at most") && !c.applied.reason.is_empty()));
        }
    }

    #[test]
    fn a_hint_lowers_what_evidence_is_worth() {
        assert_eq!([1, 2, 3, 4, 9].map(worth_after_hint), [5, 4, 3, 2, 2]);
    }

    #[test]
    fn a_wrong_claim_counts_as_kept_only_after_its_consequence() {
        let claim = |turn| Evidence {
            quote: quote(turn),
            sign: Sign::Minus,
            anchor: 1,
            item: "t-wrong".into(),
            ask: String::new(),
            strength: 0.9,
        };
        let rubric = Rubric::builtin();
        assert!(wrong_claim_kept(rubric, &[claim(1), claim(5)], &[3]).is_some());
        assert!(wrong_claim_kept(rubric, &[claim(1), claim(5)], &[7]).is_none());
        assert!(wrong_claim_kept(rubric, &[claim(1)], &[3]).is_none());
    }

    #[test]
    fn a_held_distribution_keeps_its_mass() {
        let cap =
            |limit| AppliedCap { rule: "x".into(), effect: String::new(), limit, reason: String::new(), quote: None };
        let levels = [0.1, 0.2, 0.3, 0.3, 0.1];
        assert_eq!(hold(levels, &[]), levels);
        let held = hold(levels, &[cap(3), cap(2)]);
        assert!((held[0] - 0.1).abs() < 1e-12 && (held[1] - 0.9).abs() < 1e-12 && held[2..] == [0.0; 3]);
    }
}
