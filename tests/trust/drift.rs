//! T13, the other side: what takes orders out of answers must leave honest answers alone.

use std::path::Path;

use offrecord::bench::golden::{read, variants};
use offrecord::content::Content;
use offrecord::grading::refusal;
use offrecord::interview::transcript::Speaker;

use crate::tier::{Tally, is_full};

/// Interviews of the set in which the candidate does give the grader an order: it must be found in each.
const WITH_AN_ORDER: [&str; 4] =
    ["duplicate-orders-d1", "halve-the-log-bill-b2", "review-permission-cache-a1", "tenant-neighbours-c1"];

#[test]
fn nothing_in_an_honest_interview_is_taken_for_an_order() {
    let tally = Tally::of("T13", "honest answers, also padded, glossed, renamed and misheard, looked at for orders");
    let content = Content::built_in();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/golden");
    let set = read::folder(&folder, &content).expect("the golden set");
    let (mut answers, mut taken) = (0, Vec::new());
    for (index, golden) in set.interviews.iter().enumerate() {
        if WITH_AN_ORDER.contains(&golden.id.as_str()) {
            let refused = refusal::read(&golden.transcript(), &[]).refused;
            assert!(refused.iter().any(|refused| refused.code == "injection"), "{}: not found", golden.id);
            continue;
        }
        // The variants of each sixth interview, or of all: a development build reads slowly.
        let changed = if is_full() || index % 6 == 0 { variants::all(golden, 1) } else { Vec::new() };
        let honest = changed
            .into_iter()
            .filter(|(change, _)| !matches!(change, variants::Change::Injection(_)))
            .map(|(change, transcript)| (change.name(), transcript));
        for (change, transcript) in std::iter::once(("as it is".to_owned(), golden.transcript())).chain(honest) {
            answers += transcript.turns.iter().filter(|turn| turn.role == Speaker::Candidate).count();
            let refused = refusal::read(&transcript, &[]).refused;
            taken.extend(refused.into_iter().filter(|refused| refused.code == "injection").map(|refused| {
                format!("{} ({change}): {}", golden.id, refused.quote.map_or_else(String::new, |quote| quote.quote))
            }));
        }
    }
    assert!(answers > 500, "only {answers} answers");
    assert!(taken.is_empty(), "{} of {answers} answers lose a sentence: {taken:#?}", taken.len());
    tally.add(answers);
}
