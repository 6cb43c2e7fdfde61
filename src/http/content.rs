//! `GET /api/content`: what can be practised. Titles only: nothing that gives a design or a probe away.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::room::Room;
use crate::grading::rubric::Rubric;

/// Problems and competencies for the start page, and the rubric's words.
pub(super) async fn list(State(room): State<Room>) -> Json<Value> {
    let desk = room.desk();
    let content = desk.content();
    let problems: Vec<Value> = content
        .problems()
        .map(|problem| {
            json!({
                "id": problem.id, "title": problem.title, "theme": problem.theme, "difficulty": problem.difficulty,
                "kind": if problem.document.is_some() { "review" } else { "design" },
            })
        })
        .collect();
    let competencies: Vec<Value> = content
        .competencies()
        .map(|competency| json!({"id": competency.id, "title": competency.title, "dimensions": competency.dimensions}))
        .collect();
    let rubric = Rubric::builtin();
    let dimensions: Vec<Value> = rubric
        .dimension
        .iter()
        .map(|dimension| json!({"id": dimension.id, "title": dimension.title, "anchors": dimension.anchors}))
        .collect();
    Json(json!({
        "problems": problems, "competencies": competencies,
        "rubric": {"version": rubric.version, "dimensions": dimensions},
    }))
}
