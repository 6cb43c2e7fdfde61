//! A `.excalidraw` scene, read within limits: only what the graph needs, everything else is passed over.

use serde::Deserialize;
use serde_json::Value;

/// Most bytes of a scene as JSON.
pub const MOST_BYTES: usize = 1024 * 1024;
const MOST_ELEMENTS: usize = 3000;
const MOST_LABEL: usize = 120;
const FARTHEST: f64 = 1e7;

/// Why a scene is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BoardError {
    /// Something else than a scene.
    #[error("this is not a whiteboard scene: {0}")]
    NotAScene(&'static str),
    /// Over a limit.
    #[error("the whiteboard is too large: {0}")]
    TooLarge(&'static str),
}

/// A scene's elements that are not deleted, bottom first.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    pub(super) elements: Vec<Element>,
    /// Ids of what was drawn and taken away: its words go with it.
    pub(super) deleted: Vec<String>,
}

/// One drawn thing.
#[derive(Clone, Debug)]
pub(super) struct Element {
    pub(super) id: String,
    pub(super) kind: ElementKind,
    pub(super) bounds: Bounds,
    /// Corners of an arrow or a stroke, absolute.
    pub(super) points: Vec<(f64, f64)>,
    /// Words of a text, name of a frame.
    pub(super) label: String,
    /// What a text belongs to.
    pub(super) container: Option<String>,
    pub(super) start: Option<String>,
    pub(super) end: Option<String>,
    pub(super) head_at_start: bool,
    pub(super) head_at_end: bool,
    pub(super) groups: Vec<String>,
    pub(super) frame: Option<String>,
    /// What the palette wrote.
    pub(super) marked: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ElementKind {
    Rectangle,
    Ellipse,
    Diamond,
    Text,
    Arrow,
    Line,
    Stroke,
    Frame,
}

/// Where something lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bounds {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Bounds {
    pub(super) fn middle(&self) -> (f64, f64) {
        (f64::midpoint(self.left, self.right), f64::midpoint(self.top, self.bottom))
    }

    pub(super) fn area(&self) -> f64 {
        (self.right - self.left) * (self.bottom - self.top)
    }

    pub(super) fn holds(&self, (x, y): (f64, f64)) -> bool {
        (self.left..=self.right).contains(&x) && (self.top..=self.bottom).contains(&y)
    }

    pub(super) fn encloses(&self, other: &Self) -> bool {
        self.left <= other.left && self.top <= other.top && self.right >= other.right && self.bottom >= other.bottom
    }

    pub(super) fn touches(&self, other: &Self) -> bool {
        self.left <= other.right && other.left <= self.right && self.top <= other.bottom && other.top <= self.bottom
    }

    /// Distance of a point; 0 inside.
    pub(super) fn distance(&self, (x, y): (f64, f64)) -> f64 {
        let out = |at: f64, low: f64, high: f64| (low - at).max(at - high).max(0.0);
        out(x, self.left, self.right).hypot(out(y, self.top, self.bottom))
    }

    pub(super) fn with(&self, other: &Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Raw {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    text: Option<String>,
    original_text: Option<String>,
    name: Option<String>,
    container_id: Option<String>,
    group_ids: Vec<String>,
    frame_id: Option<String>,
    start_binding: Option<Binding>,
    end_binding: Option<Binding>,
    start_arrowhead: Option<String>,
    end_arrowhead: Option<String>,
    points: Vec<(f64, f64)>,
    custom_data: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Binding {
    element_id: String,
}

impl Scene {
    /// Reads a scene. Elements of a sort that the graph has no use for are passed over; one that is malformed refuses
    /// the whole.
    ///
    /// # Errors
    /// See [`BoardError`].
    pub fn read(scene: &Value) -> Result<Self, BoardError> {
        if scene.get("type").is_some_and(|kind| kind != "excalidraw" && kind != "excalidraw/clipboard") {
            return Err(BoardError::NotAScene("it says that it is something else"));
        }
        let elements = scene.get("elements").and_then(Value::as_array);
        let elements = elements.ok_or(BoardError::NotAScene("it has no list of elements"))?;
        if elements.len() > MOST_ELEMENTS {
            return Err(BoardError::TooLarge("more than 3000 elements"));
        }
        let mut read = Self::default();
        for element in elements {
            if element["isDeleted"] == true {
                read.deleted.extend(element["id"].as_str().map(str::to_owned));
            } else {
                read.elements.extend(element_of(element)?);
            }
        }
        Ok(read)
    }
}

fn element_of(value: &Value) -> Result<Option<Element>, BoardError> {
    let malformed = BoardError::NotAScene("an element in it is malformed");
    let kind = match value.get("type").and_then(Value::as_str).ok_or_else(|| malformed.clone())? {
        "rectangle" => ElementKind::Rectangle,
        "ellipse" => ElementKind::Ellipse,
        "diamond" => ElementKind::Diamond,
        "text" => ElementKind::Text,
        "arrow" => ElementKind::Arrow,
        "line" => ElementKind::Line,
        "freedraw" => ElementKind::Stroke,
        "frame" | "magicframe" => ElementKind::Frame,
        _ => return Ok(None),
    };
    let raw = Raw::deserialize(value).map_err(|_| malformed.clone())?;
    let numbers = [raw.x, raw.y, raw.width, raw.height].into_iter();
    let far =
        numbers.chain(raw.points.iter().flat_map(|(x, y)| [*x, *y])).any(|n| !n.is_finite() || n.abs() > FARTHEST);
    if raw.id.is_empty() || raw.id.len() > 128 || far {
        return Err(malformed);
    }
    let points: Vec<(f64, f64)> = raw.points.iter().map(|(x, y)| (raw.x + x, raw.y + y)).collect();
    // A shape drawn from right to left has a negative width.
    let mut bounds = Bounds {
        left: raw.x.min(raw.x + raw.width),
        top: raw.y.min(raw.y + raw.height),
        right: raw.x.max(raw.x + raw.width),
        bottom: raw.y.max(raw.y + raw.height),
    };
    if let Some((x, y)) = points.first() {
        bounds = Bounds { left: *x, top: *y, right: *x, bottom: *y };
    }
    for (x, y) in &points {
        bounds = bounds.with(&Bounds { left: *x, top: *y, right: *x, bottom: *y });
    }
    let label = if kind == ElementKind::Frame { raw.name } else { raw.original_text.or(raw.text) };
    Ok(Some(Element {
        id: raw.id,
        kind,
        bounds,
        points,
        label: label.map(|text| plain(&text)).unwrap_or_default(),
        container: raw.container_id,
        start: raw.start_binding.map(|binding| binding.element_id),
        end: raw.end_binding.map(|binding| binding.element_id),
        head_at_start: raw.start_arrowhead.is_some(),
        head_at_end: raw.end_arrowhead.is_some(),
        groups: raw.group_ids,
        frame: raw.frame_id,
        marked: raw.custom_data.and_then(|custom| custom.get("kind").and_then(Value::as_str).map(str::to_owned)),
    }))
}

/// One line of visible signs, not too long.
fn plain(text: &str) -> String {
    let seen = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let spaced: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| seen(*c)).collect();
    let line = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MOST_LABEL {
        return line;
    }
    line.chars().take(MOST_LABEL - 1).chain(['…']).collect()
}
