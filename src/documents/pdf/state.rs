//! What a page's drawing operators change: matrices, colours, text state, and what was painted so far. Pure.

use std::rc::Rc;

use super::font::Font;

/// `[a b c d e f]`, as PDF writes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Matrix(pub(super) [f32; 6]);

impl Matrix {
    pub(super) const ONE: Self = Self([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    /// First `self`, then `next`.
    pub(super) fn then(self, next: Self) -> Self {
        let ([a, b, c, d, e, f], [p, q, r, s, t, u]) = (self.0, next.0);
        Self([a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u])
    }

    pub(super) fn place(self, x: f32, y: f32) -> (f32, f32) {
        let [a, b, c, d, e, f] = self.0;
        (a * x + c * y + e, b * x + d * y + f)
    }

    pub(super) fn shift(x: f32, y: f32) -> Self {
        Self([1.0, 0.0, 0.0, 1.0, x, y])
    }

    /// How long a unit upwards becomes.
    pub(super) fn height(self) -> f32 {
        self.0[2].hypot(self.0[3])
    }

    /// How long a unit to the right becomes.
    pub(super) fn width(self) -> f32 {
        self.0[0].hypot(self.0[1])
    }
}

/// A colour, if it is one that code can tell: red, green, blue from 0 to 1.
pub(super) type Colour = Option<[f32; 3]>;

pub(super) const WHITE: Colour = Some([1.0, 1.0, 1.0]);
pub(super) const BLACK: Colour = Some([0.0, 0.0, 0.0]);

/// Whether nobody could tell one from the other. What cannot be told counts as different.
pub(super) fn alike(a: Colour, b: Colour) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.iter().zip(b).all(|(a, b)| (a - b).abs() < 0.06),
        _ => false,
    }
}

/// From the operands of a colour operator: grey, RGB or CMYK by their number.
pub(super) fn colour(parts: &[f32]) -> Colour {
    match *parts {
        [grey] => Some([grey; 3]),
        [red, green, blue] => Some([red, green, blue]),
        [cyan, magenta, yellow, black] => Some([cyan, magenta, yellow].map(|ink| (1.0 - ink) * (1.0 - black))),
        _ => None,
    }
}

/// How single numbers of the current colour space are meant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Space {
    /// 1 is white; three are red, green, blue; four are inks.
    Plain,
    /// 0 is white: one ink.
    Ink,
    /// Patterns, palettes: cannot be told.
    Other,
}

/// The graphics state.
#[derive(Clone)]
pub(super) struct State {
    pub(super) to_page: Matrix,
    pub(super) fill: Colour,
    pub(super) space: Space,
    pub(super) alpha: f32,
    pub(super) font: Option<Rc<Font>>,
    pub(super) size: f32,
    pub(super) mode: i64,
    pub(super) letter: f32,
    pub(super) word: f32,
    pub(super) stretch: f32,
    pub(super) rise: f32,
    pub(super) leading: f32,
}

impl State {
    pub(super) fn new(to_page: Matrix) -> Self {
        Self {
            to_page,
            fill: BLACK,
            space: Space::Plain,
            alpha: 1.0,
            font: None,
            size: 0.0,
            mode: 0,
            letter: 0.0,
            word: 0.0,
            stretch: 1.0,
            rise: 0.0,
            leading: 0.0,
        }
    }
}

/// What was painted on the page, newest last: boxes with their colour.
#[derive(Default)]
pub(super) struct Painted {
    boxes: Vec<([f32; 4], Colour)>,
    path: Option<[f32; 4]>,
}

/// Boxes remembered; a page of a résumé has a few dozen.
const MOST_BOXES: usize = 4000;

impl Painted {
    /// A corner of the path that is being drawn.
    pub(super) fn corner(&mut self, (x, y): (f32, f32)) {
        let [a, b, c, d] = self.path.unwrap_or([x, y, x, y]);
        self.path = Some([a.min(x), b.min(y), c.max(x), d.max(y)]);
    }

    /// The path is done with.
    pub(super) fn end(&mut self) -> Option<[f32; 4]> {
        self.path.take()
    }

    pub(super) fn fill(&mut self, area: [f32; 4], colour: Colour) {
        if self.boxes.len() < MOST_BOXES {
            self.boxes.push((area, colour));
        }
    }

    /// The colour behind a point; paper is white.
    pub(super) fn behind(&self, (x, y): (f32, f32)) -> Colour {
        let here = |area: &[f32; 4]| area[0] <= x && x <= area[2] && area[1] <= y && y <= area[3];
        self.boxes.iter().rev().find(|(area, _)| here(area)).map_or(WHITE, |(_, colour)| *colour)
    }
}
