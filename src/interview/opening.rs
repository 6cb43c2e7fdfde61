//! The first words of an interview: what is to come, and the first question.

use super::dice::Dice;
use super::plan::Plan;
use super::transcript::Round;
use super::wording::{fill, listed, on_claim, on_document, question};
use crate::content::Content;

/// Time plan, brief, one question.
#[must_use]
pub fn opening(content: &Content, plan: &Plan) -> String {
    let says = &content.voice.says.opening;
    let mut dice = Dice::keyed(plan.seed, "opening");
    let minutes = plan.minutes.to_string();
    match plan.round {
        Round::SystemDesign => {
            let problem = content.problem(&plan.problem);
            let forms = if problem.is_some_and(|p| p.document.is_some()) { &says.review } else { &says.design };
            let parts: Vec<&str> =
                plan.stages.iter().filter_map(|s| says.parts_design.get(&s.stage)).map(String::as_str).collect();
            let form = dice.pick(forms).map_or("", String::as_str);
            fill(
                form,
                &[
                    ("minutes", &minutes),
                    ("parts", &listed(&parts, "and")),
                    ("brief", problem.map_or("", |p| p.brief.trim())),
                ],
            )
        }
        Round::Behavioural => {
            let form = dice.pick(&says.behavioural).map_or("", String::as_str);
            fill(form, &[("minutes", &minutes), ("first", &first_question(content, plan, &mut dice))])
        }
    }
}

/// What the opening of a behavioural round asks: background, or in the shortest round the first story.
fn first_question(content: &Content, plan: &Plan, dice: &mut Dice) -> String {
    let first = plan.first_stage();
    if first.is_story() {
        let Some(story) = plan.stories.first() else { return String::new() };
        let ask = question(content, &story.competency, &story.question).map(|q| q.ask.clone()).unwrap_or_default();
        on_document(content, plan, first, &story.competency, &ask, dice).unwrap_or(ask)
    } else {
        let on_claim = on_claim(content, plan, first);
        let forms = if on_claim.is_empty() { content.voice.says.openings(first) } else { &on_claim };
        dice.pick(forms).cloned().unwrap_or_default()
    }
}
