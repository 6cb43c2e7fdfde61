//! What was probably said in a design round although no answer said it clearly: somebody who has covered the other items
//! has more likely covered this one too. Only decides what is not asked again; it is never evidence and has no quotation.

use std::collections::BTreeSet;

use super::note::Note;
use super::weighing::Others;
use crate::content::Problem;

/// The items of the checklist that are presumed to be covered, by what was heard so far. `notes` oldest first.
#[must_use]
pub fn presumed<'a>(problem: &'a Problem, notes: &[(u32, &Note)], weights: &Others) -> BTreeSet<&'a str> {
    let so_far: Vec<f32> = problem.checklist.iter().map(|item| so_far(notes, &item.id)).collect();
    let sum: f32 = so_far.iter().sum();
    let others = so_far.len().saturating_sub(1).max(1) as f32;
    let items = problem.checklist.iter().zip(so_far);
    items
        .filter(|(_, p)| weights.probability(*p, (sum - p) / others) >= weights.threshold)
        .map(|(i, _)| i.id.as_str())
        .collect()
}

/// The probability that an item is covered by now: what was half said in several answers adds up.
fn so_far(notes: &[(u32, &Note)], id: &str) -> f32 {
    let open = |note: &Note| {
        let half = 1.0 - note.leaning.get(id).copied().unwrap_or(0.0);
        // What a cue alone found is certain.
        note.covered.iter().find(|f| f.id == id).map_or(half, |f| 1.0 - f.weighed.unwrap_or(1.0))
    };
    1.0 - notes.iter().map(|(_, note)| open(note)).product::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Content;
    use crate::interview::note::Finding;
    use crate::interview::weighing::BY_CODE;

    fn heard(problem: &Problem, covered: usize, doubtful: f32) -> Note {
        let found = |id: &String| Finding { id: id.clone(), weighed: Some(0.9), ..Finding::default() };
        let last = problem.checklist.last().map_or(String::new(), |i| i.id.clone());
        Note {
            covered: problem.checklist.iter().take(covered).map(|i| found(&i.id)).collect(),
            leaning: [(last, doubtful)].into(),
            ..Note::default()
        }
    }

    #[test]
    fn what_was_half_said_is_presumed_of_somebody_who_said_the_rest() {
        let content = Content::built_in();
        let problem = content.problem("event-callbacks").expect("a problem that ships");
        let weights = BY_CODE.system_design.others.expect("weights that ship");
        let last = problem.checklist.last().map_or("", |i| i.id.as_str());
        let all = problem.checklist.len();
        let presumes = |covered: usize, doubtful: f32| {
            let note = heard(problem, covered, doubtful);
            presumed(problem, &[(2, &note)], &weights).contains(last)
        };
        assert!(presumes(all - 1, 0.4), "all the rest was said");
        assert!(!presumes(2, 0.4), "little of the rest was said");
        assert!(!presumes(all - 1, 0.0), "nothing was said of it");
    }

    #[test]
    fn nothing_heard_presumes_nothing() {
        let content = Content::built_in();
        let problem = content.problem("event-callbacks").expect("a problem that ships");
        let weights = BY_CODE.system_design.others.expect("weights that ship");
        assert!(presumed(problem, &[], &weights).is_empty());
        let empty = Problem { checklist: Vec::new(), ..problem.clone() };
        assert!(presumed(&empty, &[], &weights).is_empty());
    }
}
