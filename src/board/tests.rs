//! Twenty boards as people draw them, what is new between two of them, and files that are none.

#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};

use super::*;

fn scene(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/boards/{name}.excalidraw", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn turn(seq: u32, board: Option<Value>) -> Turn {
    Turn { seq, role: Speaker::Candidate, text: "As drawn.".into(), at_ms: None, board }
}

#[test]
fn twenty_boards_in_words() {
    let folder = format!("{}/tests/fixtures/boards", env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names.len(), 20);
    let told: Vec<String> = names
        .iter()
        .map(|name| {
            let graph = read(&scene(name)).unwrap();
            let known: Vec<&str> = graph.nodes.iter().map(|node| node.id.as_str()).collect();
            let ends = graph.edges.iter().flat_map(|edge| [&edge.from, &edge.to]);
            assert!(ends.into_iter().all(|id| known.contains(&id.as_str())), "{name}: an edge to nothing");
            format!("{name}\n{}\n", words::since(&Graph::default(), &graph).unwrap())
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn an_arrow_is_certain_only_when_both_ends_are_bound() {
    for name in ["03-unbound-near", "11-both-ways", "09-hand-drawn"] {
        assert!(read(&scene(name)).unwrap().edges.iter().any(|edge| edge.uncertain), "{name}");
    }
    assert!(read(&scene("13-feed-fanout")).unwrap().edges.iter().all(|edge| !edge.uncertain));
    let two = read(&scene("05-two-candidates")).unwrap();
    assert_eq!((two.edges.len(), two.loose.len()), (0, 1), "between two boxes nothing is invented: {two:?}");
    let loose = read(&scene("04-loose-arrows")).unwrap();
    assert_eq!((loose.edges.len(), loose.loose.len()), (1, 3));
}

#[test]
fn only_what_is_new_is_said_again() {
    let first = scene("01-link-shortener");
    let mut second = first.clone();
    let elements = second["elements"].as_array_mut().unwrap();
    // The cache goes, with its arrow; the database gets another name; a queue comes.
    for element in elements.iter_mut() {
        if element["id"] == "e5" || element["endBinding"]["elementId"] == "e5" {
            element["isDeleted"] = json!(true);
        }
        if element["originalText"] == "Links DB" {
            element["originalText"] = json!("Links table, sharded");
        }
    }
    elements.push(json!({"id": "new", "type": "rectangle", "x": 0, "y": 400, "width": 100, "height": 50, "customData": {"kind": "queue"}}));
    let turns = [turn(1, Some(first.clone())), turn(3, Some(first)), turn(5, None), turn(7, Some(second))];
    let drawn = drawn(&turns);
    assert_eq!(drawn.keys().copied().collect::<Vec<_>>(), [1, 7], "the same board again says nothing");
    insta::assert_snapshot!(drawn[&7]);
    let spoken = spoken(&turns);
    assert_eq!(spoken[0].text, format!("As drawn.\n\n{}", drawn[&1]));
    assert_eq!(spoken[1].text, "As drawn.");
}

#[test]
fn what_is_no_scene_is_refused() {
    let element = |extra: Value| {
        let mut element = json!({"id": "a", "type": "rectangle", "x": 0, "y": 0, "width": 1, "height": 1});
        element.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        json!({"type": "excalidraw", "elements": [element]})
    };
    assert!(read(&element(json!({}))).is_ok());
    for bad in [
        json!(null),
        json!([]),
        json!("excalidraw"),
        json!({}),
        json!({"type": "excalidraw"}),
        json!({"type": "excalidrawlib", "elements": []}),
        json!({"type": "excalidraw", "elements": {}}),
        json!({"type": "excalidraw", "elements": [null]}),
        json!({"type": "excalidraw", "elements": [{"id": "a"}]}),
        element(json!({"id": ""})),
        element(json!({"id": "a".repeat(200)})),
        element(json!({"x": "0"})),
        element(json!({"x": 1e300})),
        element(json!({"type": "arrow", "points": [[0]]})),
        element(json!({"type": "arrow", "points": [[0, 0], [1e9, 0]]})),
        element(json!({"groupIds": "all"})),
        json!({"type": "excalidraw", "elements": vec![json!({"type": "image"}); 3001]}),
    ] {
        assert!(read(&bad).is_err(), "{bad:.200}");
    }
    // What this program has no use for is passed over.
    assert!(
        read(&json!({"elements": [{"type": "embeddable", "link": "javascript:alert(1)"}, {"type": "image"}]})).is_ok()
    );
    crate::tier::tried("T16", "drawings that are none", 12);
}

#[test]
fn cycles_and_duplicates_end() {
    let loops = json!({"elements": [
        {"id": "a", "type": "text", "text": "a", "containerId": "b", "x": 0, "y": 0, "width": 1, "height": 1},
        {"id": "b", "type": "text", "text": "b", "containerId": "a", "x": 0, "y": 0, "width": 1, "height": 1},
        {"id": "c", "type": "rectangle", "x": 0, "y": 0, "width": 9, "height": 9},
        {"id": "c", "type": "rectangle", "x": 0, "y": 0, "width": 9, "height": 9},
        {"id": "d", "type": "arrow", "x": 0, "y": 0, "points": [[0, 0], [5, 5]],
         "startBinding": {"elementId": "d"}, "endBinding": {"elementId": "a"}},
    ]});
    assert!(read(&loops).is_ok());
    crate::tier::tried("T16", "drawings with cycles and duplicates", 2);
}

#[test]
fn a_large_board_is_read_in_time() {
    let elements: Vec<Value> = (0..2900)
        .map(|n| json!({"id": format!("e{n}"), "type": "rectangle", "x": n % 60 * 100, "y": n / 60 * 80, "width": 80, "height": 40}))
        .collect();
    let begun = std::time::Instant::now();
    let graph = read(&json!({"elements": elements})).unwrap();
    assert_eq!(graph.nodes.len(), 2900);
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

#[test]
fn the_picture_is_escaped() {
    let picture = svg(&Scene::read(&scene("20-hostile-labels")).unwrap()).unwrap();
    assert!(picture.contains("&lt;img") && !picture.contains("<img"));
    assert_eq!(svg(&Scene::default()), None);
    insta::assert_snapshot!(svg(&Scene::read(&scene("14-unlabelled")).unwrap()).unwrap());
    crate::tier::tried("T5", "whiteboard labels in the picture", 1);
}
