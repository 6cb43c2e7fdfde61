//! `GET /api/content`: what can be practised. Titles only: nothing that gives a design or a probe away.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::room::Room;

/// Problems and competencies for the start page.
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
    Json(json!({"problems": problems, "competencies": competencies}))
}
