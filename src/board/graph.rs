//! From shapes to components: which box is what, which arrow goes where. An arrow counts as an edge when the drawing
//! program bound both its ends; one that only ends near a box is an edge marked uncertain; one that ends nowhere is loose.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::kinds::Kind;
use super::scene::{Bounds, Element, ElementKind, Scene};

/// An arrow's end this close to a box, in the scene's units, may mean it.
const NEAR: f64 = 28.0;
/// A stroke encloses a text when it is at least so wide and high.
const LEAST_FIGURE: f64 = 40.0;

/// What is on the board.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Graph {
    /// Components, in the order in which they were drawn.
    pub nodes: Vec<Node>,
    /// What goes from one to another.
    pub edges: Vec<Edge>,
    /// What belongs together: a frame, a group, a box around boxes.
    pub groups: Vec<Group>,
    /// Arrows with an end that leads nowhere.
    pub loose: Vec<Loose>,
    /// Texts that belong to nothing.
    pub remarks: Vec<String>,
    /// Strokes by hand that were not understood.
    pub strokes: usize,
}

/// A component.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Node {
    /// Id of its element, the same from turn to turn.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// Its words; may be empty.
    pub label: String,
    /// Drawn by hand around a text: may be no component.
    pub uncertain: bool,
}

/// A connection.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Edge {
    /// Id of its element.
    pub id: String,
    /// A node's id.
    pub from: String,
    /// A node's id.
    pub to: String,
    /// Its words; may be empty.
    pub label: String,
    /// Which ends have a head.
    pub direction: Direction,
    /// An end only lies near its node.
    pub uncertain: bool,
}

/// Where a connection points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From `from` to `to`.
    Forward,
    /// Both ways.
    Both,
    /// A plain line.
    None,
}

/// Components that belong together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// Its words; may be empty.
    pub label: String,
    /// Ids of nodes.
    pub members: Vec<String>,
}

/// An arrow that does not connect two components.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Loose {
    /// Id of its element.
    pub id: String,
    /// The node at its start, if there is one.
    pub from: Option<String>,
    /// The node at its end, if there is one.
    pub to: Option<String>,
    /// Its words; may be empty.
    pub label: String,
}

impl Graph {
    /// A node by id.
    #[must_use]
    pub fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == id)
    }
}

/// A node on its way to be one.
struct Figure<'s> {
    node: Node,
    bounds: Bounds,
    marked: Option<&'s str>,
    frame: Option<&'s str>,
    groups: &'s [String],
}

/// The graph of a scene.
pub(super) fn of(scene: &Scene) -> Graph {
    Builder::new(scene).build()
}

struct Builder<'s> {
    elements: &'s [Element],
    /// Bound words, by container.
    words: BTreeMap<&'s str, &'s str>,
    /// Element to the node that it is part of.
    owner: BTreeMap<&'s str, String>,
    figures: Vec<Figure<'s>>,
    /// Texts that are spoken for.
    used: BTreeSet<&'s str>,
    graph: Graph,
}

const fn is_shape(kind: ElementKind) -> bool {
    matches!(kind, ElementKind::Rectangle | ElementKind::Ellipse | ElementKind::Diamond)
}

impl<'s> Builder<'s> {
    fn new(scene: &'s Scene) -> Self {
        let elements = &scene.elements;
        let known: BTreeSet<&str> =
            elements.iter().filter(|e| e.kind != ElementKind::Text).map(|e| e.id.as_str()).collect();
        let mut words = BTreeMap::new();
        let mut used = BTreeSet::new();
        let mut owner = BTreeMap::new();
        for text in elements.iter().filter(|e| e.kind == ElementKind::Text) {
            if let Some(container) = text.container.as_deref().filter(|id| known.contains(id)) {
                words.insert(container, text.label.as_str());
                used.insert(text.id.as_str());
                owner.insert(text.id.as_str(), container.to_owned());
            } else if text.container.as_ref().is_some_and(|id| scene.deleted.contains(id)) {
                used.insert(text.id.as_str());
            }
        }
        Self { elements, words, owner, figures: Vec::new(), used, graph: Graph::default() }
    }

    fn build(mut self) -> Graph {
        let around = self.boxes_around_boxes();
        self.shapes(&around);
        self.texts_in_shapes();
        self.figures_by_hand();
        self.bound_texts();
        self.regions(&around);
        self.settle_kinds();
        self.arrows();
        self.frames_and_groups();
        let used = &self.used;
        let free = |e: &&Element| e.kind == ElementKind::Text && !used.contains(e.id.as_str()) && !e.label.is_empty();
        self.graph.remarks = self.elements.iter().filter(free).map(|e| e.label.clone()).collect();
        self.graph.nodes = self.figures.into_iter().map(|figure| figure.node).collect();
        self.graph
    }

    /// Shapes that enclose another shape of another figure: regions, not components.
    fn boxes_around_boxes(&self) -> Vec<&'s Element> {
        let shapes: Vec<&Element> = self.elements.iter().filter(|e| is_shape(e.kind)).collect();
        let together = |a: &Element, b: &Element| a.groups.iter().any(|g| b.groups.contains(g));
        let encloses = |a: &&&Element| {
            a.marked.is_none()
                && shapes.iter().any(|b| {
                    b.id != a.id
                        && a.bounds.encloses(&b.bounds)
                        && a.bounds.area() > 1.5 * b.bounds.area()
                        && !together(a, b)
                })
        };
        shapes.iter().filter(encloses).copied().collect()
    }

    fn shapes(&mut self, around: &[&Element]) {
        let mut merged: BTreeSet<&str> = BTreeSet::new();
        for element in self.elements.iter().filter(|e| is_shape(e.kind)) {
            if around.iter().any(|region| region.id == element.id) || merged.contains(element.id.as_str()) {
                continue;
            }
            let parts = self.drawn_together(element);
            let mut bounds = element.bounds;
            for part in &parts {
                merged.insert(&part.id);
                bounds = bounds.with(&part.bounds);
                self.owner.insert(&part.id, element.id.clone());
            }
            let label = parts.iter().find_map(|part| self.words.get(part.id.as_str())).map_or("", |label| *label);
            self.figures.push(Figure {
                node: Node { id: element.id.clone(), kind: Kind::Unknown, label: label.to_owned(), uncertain: false },
                bounds,
                marked: parts.iter().find_map(|part| part.marked.as_deref()),
                frame: element.frame.as_deref(),
                // A group that is one figure is no group of figures.
                groups: if parts.len() > 1 { &[] } else { &element.groups },
            });
        }
    }

    /// Grouped shapes that touch, with at most one label among them: one figure, such as a cylinder of three.
    fn drawn_together(&self, first: &'s Element) -> Vec<&'s Element> {
        let Some(group) = first.groups.first() else { return vec![first] };
        let parts: Vec<&Element> =
            self.elements.iter().filter(|e| is_shape(e.kind) && e.groups.first() == Some(group)).collect();
        let labels = parts.iter().filter(|e| self.words.contains_key(e.id.as_str())).count();
        let texts = self.elements.iter().filter(|e| {
            e.kind == ElementKind::Text && !self.used.contains(e.id.as_str()) && e.groups.first() == Some(group)
        });
        let touching =
            parts.iter().all(|a| parts.len() == 1 || parts.iter().any(|b| a.id != b.id && a.bounds.touches(&b.bounds)));
        if labels + texts.count() <= 1 && touching { parts } else { vec![first] }
    }

    /// A text that nothing binds belongs to the smallest figure around it that has no words.
    fn texts_in_shapes(&mut self) {
        for text in self.elements.iter().filter(|e| e.kind == ElementKind::Text) {
            if self.used.contains(text.id.as_str()) || text.label.is_empty() {
                continue;
            }
            let middle = text.bounds.middle();
            let around = self.figures.iter_mut().filter(|figure| figure.bounds.holds(middle));
            let Some(figure) = around.min_by(|a, b| a.bounds.area().total_cmp(&b.bounds.area())) else { continue };
            if self.words.contains_key(figure.node.id.as_str()) {
                continue;
            }
            if !figure.node.label.is_empty() {
                figure.node.label.push(' ');
            }
            figure.node.label.push_str(&text.label);
            self.used.insert(&text.id);
            self.owner.insert(&text.id, figure.node.id.clone());
        }
    }

    /// A stroke by hand around a text may be a box.
    fn figures_by_hand(&mut self) {
        for stroke in self.elements.iter().filter(|e| e.kind == ElementKind::Stroke) {
            let Bounds { left, top, right, bottom } = stroke.bounds;
            if right - left < LEAST_FIGURE || bottom - top < LEAST_FIGURE {
                continue;
            }
            let closed = match (stroke.points.first(), stroke.points.last()) {
                (Some(a), Some(b)) => (a.0 - b.0).hypot(a.1 - b.1) < (right - left).min(bottom - top) / 2.0,
                _ => false,
            };
            let inside = |e: &&Element| {
                e.kind == ElementKind::Text
                    && !self.used.contains(e.id.as_str())
                    && stroke.bounds.holds(e.bounds.middle())
            };
            let texts: Vec<&Element> = if closed { self.elements.iter().filter(inside).collect() } else { Vec::new() };
            // Two texts in one stroke: which one it means cannot be told.
            let [text] = texts[..] else { continue };
            self.used.insert(&text.id);
            self.owner.insert(&text.id, stroke.id.clone());
            self.figures.push(Figure {
                node: Node { id: stroke.id.clone(), kind: Kind::Unknown, label: text.label.clone(), uncertain: true },
                bounds: stroke.bounds,
                marked: None,
                frame: stroke.frame.as_deref(),
                groups: &stroke.groups,
            });
        }
    }

    /// A free text that an arrow is bound to stands for a component.
    fn bound_texts(&mut self) {
        let bound: BTreeSet<&str> =
            self.elements.iter().flat_map(|e| [&e.start, &e.end]).flatten().map(String::as_str).collect();
        for text in self.elements.iter().filter(|e| e.kind == ElementKind::Text && bound.contains(e.id.as_str())) {
            if self.used.insert(&text.id) {
                self.figures.push(Figure {
                    node: Node {
                        id: text.id.clone(),
                        kind: Kind::Unknown,
                        label: text.label.clone(),
                        uncertain: false,
                    },
                    bounds: text.bounds,
                    marked: None,
                    frame: text.frame.as_deref(),
                    groups: &text.groups,
                });
            }
        }
    }

    /// A box around boxes is a group; one that an arrow is bound to is a component as well.
    fn regions(&mut self, around: &[&'s Element]) {
        let bound: BTreeSet<&str> =
            self.elements.iter().flat_map(|e| [&e.start, &e.end]).flatten().map(String::as_str).collect();
        for region in around {
            let mut label = self.words.get(region.id.as_str()).map_or(String::new(), |label| (*label).to_owned());
            if label.is_empty() {
                let title = self.elements.iter().find(|e| {
                    e.kind == ElementKind::Text
                        && !self.used.contains(e.id.as_str())
                        && (region.bounds.holds(e.bounds.middle()) || region.bounds.encloses(&e.bounds))
                });
                if let Some(title) = title {
                    self.used.insert(&title.id);
                    label.clone_from(&title.label);
                }
            }
            let members: Vec<String> = self
                .figures
                .iter()
                .filter(|figure| region.bounds.encloses(&figure.bounds))
                .map(|figure| figure.node.id.clone())
                .collect();
            self.graph.groups.push(Group { label: label.clone(), members });
            if bound.contains(region.id.as_str()) {
                self.figures.push(Figure {
                    node: Node { id: region.id.clone(), kind: Kind::Unknown, label, uncertain: false },
                    bounds: region.bounds,
                    marked: None,
                    frame: region.frame.as_deref(),
                    groups: &region.groups,
                });
            }
        }
    }

    fn settle_kinds(&mut self) {
        for figure in &mut self.figures {
            let marked = figure.marked.and_then(Kind::marked);
            figure.node.kind = marked.unwrap_or_else(|| Kind::by_label(&figure.node.label));
        }
    }

    fn arrows(&mut self) {
        for element in self.elements {
            let drawn = match element.kind {
                ElementKind::Arrow => true,
                ElementKind::Line | ElementKind::Stroke => false,
                _ => continue,
            };
            if self.figures.iter().any(|figure| figure.node.id == element.id) {
                continue;
            }
            let (Some(first), Some(last)) = (element.points.first(), element.points.last()) else { continue };
            let bound = |id: &Option<String>| id.as_deref().and_then(|id| self.node_of(id));
            let (start, end) = (bound(&element.start), bound(&element.end));
            let certain = start.is_some() && end.is_some();
            let mut from = start.or_else(|| self.nearest(*first));
            let mut to = end.or_else(|| self.nearest(*last));
            if !certain && from == to {
                (from, to) = (None, None);
            }
            let label = self.words.get(element.id.as_str()).map_or(String::new(), |label| (*label).to_owned());
            match (from, to) {
                (Some(from), Some(to)) => {
                    let (from, to, direction) = match (element.head_at_start, element.head_at_end, drawn) {
                        (true, true, _) => (from, to, Direction::Both),
                        (true, false, _) => (to, from, Direction::Forward),
                        (false, true, _) => (from, to, Direction::Forward),
                        (false, false, _) => (from, to, Direction::None),
                    };
                    let uncertain = !certain || [&from, &to].iter().any(|id| self.is_uncertain(id));
                    self.graph.edges.push(Edge { id: element.id.clone(), from, to, label, direction, uncertain });
                }
                (from, to) if drawn => self.graph.loose.push(Loose { id: element.id.clone(), from, to, label }),
                // A line or a stroke that connects nothing is just drawn.
                _ if element.kind == ElementKind::Stroke => self.graph.strokes += 1,
                _ => {}
            }
        }
    }

    fn is_uncertain(&self, id: &str) -> bool {
        self.figures.iter().any(|figure| figure.node.id == id && figure.node.uncertain)
    }

    /// The node that an element is, or is part of.
    fn node_of(&self, id: &str) -> Option<String> {
        let is_node = |id: &str| self.figures.iter().any(|figure| figure.node.id == id);
        if is_node(id) {
            return Some(id.to_owned());
        }
        let owner = self.owner.get(id)?;
        if is_node(owner) {
            Some(owner.clone())
        } else {
            self.owner.get(owner.as_str()).filter(|id| is_node(id)).cloned()
        }
    }

    /// The one node that a point lies in or close to; none when two could be meant.
    fn nearest(&self, point: (f64, f64)) -> Option<String> {
        let mut close: Vec<(f64, &Figure<'_>)> = self
            .figures
            .iter()
            .map(|figure| (figure.bounds.distance(point), figure))
            .filter(|(distance, _)| *distance <= NEAR)
            .collect();
        close.sort_by(|a, b| a.0.total_cmp(&b.0));
        match close[..] {
            [(_, only)] => Some(only.node.id.clone()),
            [(first, one), (second, _), ..] if second - first > NEAR / 2.0 => Some(one.node.id.clone()),
            _ => None,
        }
    }

    fn frames_and_groups(&mut self) {
        for frame in self.elements.iter().filter(|e| e.kind == ElementKind::Frame) {
            let inside = self.figures.iter().filter(|figure| figure.frame == Some(&frame.id));
            let members = inside.map(|figure| figure.node.id.clone()).collect();
            self.graph.groups.push(Group { label: frame.label.clone(), members });
        }
        let mut groups: Vec<&String> = Vec::new();
        for group in self.figures.iter().flat_map(|figure| figure.groups) {
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        for group in groups {
            let inside = self.figures.iter().filter(|figure| figure.groups.contains(group));
            let members: Vec<String> = inside.map(|figure| figure.node.id.clone()).collect();
            let title = self.elements.iter().find(|e| {
                e.kind == ElementKind::Text && !self.used.contains(e.id.as_str()) && e.groups.contains(group)
            });
            if let Some(title) = title {
                self.used.insert(&title.id);
            }
            if members.len() > 1 {
                let label = title.map(|title| title.label.clone()).unwrap_or_default();
                self.graph.groups.push(Group { label, members });
            }
        }
        self.graph.groups.retain(|group| !group.members.is_empty());
    }
}
