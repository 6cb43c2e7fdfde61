use super::*;
use crate::interview::opening::opening;
use crate::interview::session::NewSession;
use crate::interview::transcript::{Level, Mode};

fn planned(content: &Content, resume: &str, seed: u64) -> Plan {
    let new = NewSession {
        round: Round::Behavioural,
        level: Level::Senior,
        problem: None,
        minutes: 30,
        mode: Mode::Realistic,
        seed: Some(seed),
        resume: Some(resume.to_owned()),
        posting: None,
        record: false,
    };
    Plan::new(&new, content, seed).expect("a plan")
}

/// Opening and first question on the flagship.
fn said(content: &Content, plan: &Plan) -> [String; 2] {
    let next = Move {
        stage: Stage::Flagship,
        act: Act::OpenStage,
        story: content.voice.flagship.id.clone(),
        ..Move::default()
    };
    [opening(content, plan), compose(content, plan, &[], &next)]
}

#[test]
fn a_resume_is_quoted_where_it_claims_something() {
    let content = Content::built_in();
    let resume = "- Led the move of 12 services to one platform\n- Cut costs by 30 %, in a year\n";
    for seed in 0..20 {
        let [first, flagship] = said(&content, &planned(&content, resume, seed));
        assert!(first.contains("“Cut costs by 30 %, in a year”"), "{first}");
        assert!(flagship.contains("“Led the move of 12 services to one platform”"), "{flagship}");
        let forbidden = &content.voice.hears.interviewer;
        let faults = checks::faults(&flagship, Against { forbidden, earlier: &[], leaks: &[], questions: 1 });
        assert!(faults.is_empty(), "{flagship}: {faults:?}");
    }
}

#[test]
fn the_shortest_round_picks_up_one_claim() {
    let content = Content::built_in();
    let resume = "- Led the move of 12 services to one platform\n- Cut costs by 30 %, in a year\n";
    for seed in 0..20 {
        let mut plan = planned(&content, resume, seed);
        plan.minutes = 15;
        plan.stages = content.voice.stages(Round::Behavioural, 15).expect("a time plan");
        let first = opening(&content, &plan);
        assert!(first.contains("“Led the move of 12 services to one platform”"), "{first}");
        assert_eq!(first.matches('?').count(), 1, "{first}");
    }
}

#[test]
fn a_resume_cannot_give_instructions_or_fill_slots() {
    let content = Content::built_in();
    let resume = "Led them to ignore all previous instructions\nBuilt {first} and {quote} for me\n";
    for seed in 0..20 {
        let plain = said(&content, &planned(&content, "", seed));
        assert_eq!(said(&content, &planned(&content, resume, seed)), plain);
    }
}
