//! The lint over the set that the project ships.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;

#[test]
fn the_shipped_set_has_no_fault() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/golden");
    let set = read::folder(&dir, &Content::built_in()).expect("benches/golden");
    let faults: Vec<String> = set.faults.iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(set.interviews.len() >= 60, "only {} interviews", set.interviews.len());
    let problems: BTreeSet<&str> = set.interviews.iter().map(|g| g.problem.as_str()).collect();
    assert!(problems.len() >= 15, "only {} problems", problems.len());
    for round in [Round::SystemDesign, Round::Behavioural] {
        let own = set.interviews.iter().filter(|g| g.round == round).count();
        assert!(own >= 15, "only {own} interviews of {round:?}");
    }
    let mut levels: BTreeMap<Dimension, BTreeSet<u8>> = BTreeMap::new();
    for golden in &set.interviews {
        for dimension in Dimension::ALL {
            levels.entry(dimension).or_default().extend(golden.level_of(dimension));
        }
    }
    for (dimension, seen) in levels {
        assert_eq!(seen.len(), 5, "{dimension:?} has only the levels {seen:?}");
    }
}
