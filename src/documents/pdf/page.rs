//! Follows the drawing operators of one page: where text lands, how large, in which colour on which.

use std::collections::HashMap;
use std::rc::Rc;

use lopdf::content::{Content, Operation};
use lopdf::{Dictionary, Document as File, Error, Object, ObjectId};

use super::font::{Encodings, Font};
use super::lines::{Lines, Piece};
use super::state::{Matrix, Painted, Space, State, alike, colour};
use super::{STREAM_BYTES, number, refused, visible_box};
use crate::documents::{DocumentError, How};

/// Operators followed in a whole file.
pub(super) const BUDGET: usize = 3_000_000;
/// Forms within forms.
const MOST_FORMS: usize = 8;
/// States kept by `q`.
const MOST_STATES: usize = 128;
/// Letters lower than this many units (1/72 inch) cannot be read.
const TINY: f32 = 2.0;

/// Draws one page into `lines`.
pub(super) fn draw(file: &File, page: ObjectId, lines: &mut Lines, budget: &mut usize) -> Result<(), DocumentError> {
    let content = file.get_page_content_with_limit(page, STREAM_BYTES).map_err(too_much)?;
    let mut drawing = Drawing {
        file,
        lines,
        budget,
        visible: visible_box(file, page),
        painted: Painted::default(),
        encodings: HashMap::new(),
        fonts: HashMap::new(),
    };
    let (own, inherited) = file.get_page_resources(page).map_err(refused)?;
    let inherited = inherited.into_iter().filter_map(|id| file.get_dictionary(id).ok());
    let resources: Vec<&Dictionary> = own.into_iter().chain(inherited).collect();
    drawing.run(&content, &resources, State::new(Matrix::ONE), 0)
}

fn too_much(error: Error) -> DocumentError {
    match error {
        Error::Decompress(_) => DocumentError::Damaged("a part of it unpacks to far more than it holds".to_owned()),
        error => refused(error),
    }
}

struct Drawing<'f, 'l> {
    file: &'f File,
    lines: &'l mut Lines,
    budget: &'l mut usize,
    visible: [f32; 4],
    painted: Painted,
    encodings: Encodings<'f>,
    fonts: HashMap<Vec<u8>, Rc<Font>>,
}

/// Where text goes: the matrix of the line and of the next letter.
struct Pen {
    line: Matrix,
    next: Matrix,
}

impl<'f> Drawing<'f, '_> {
    fn run(
        &mut self,
        content: &[u8],
        resources: &[&'f Dictionary],
        begin: State,
        depth: usize,
    ) -> Result<(), DocumentError> {
        // A stream that breaks off in the middle: what was drawn until then counts, as in a viewer.
        let Ok(content) = Content::decode(content) else { return Ok(()) };
        let mut state = begin;
        let mut kept: Vec<State> = Vec::new();
        let mut pen = Pen { line: Matrix::ONE, next: Matrix::ONE };
        for operation in &content.operations {
            *self.budget = self.budget.checked_sub(1).ok_or(DocumentError::GaveUp)?;
            let numbers: Vec<f32> = operation.operands.iter().filter_map(|o| number(self.file, o)).collect();
            match (operation.operator.as_str(), numbers.as_slice()) {
                ("q", _) if kept.len() < MOST_STATES => kept.push(state.clone()),
                ("Q", _) => state = kept.pop().unwrap_or(state),
                ("cm", &[a, b, c, d, e, f]) => state.to_page = Matrix([a, b, c, d, e, f]).then(state.to_page),
                ("Do", _) => self.place(operation, resources, &state, depth)?,
                ("BT", _) => pen = Pen { line: Matrix::ONE, next: Matrix::ONE },
                ("Tf" | "gs", _) => self.named(operation, resources, &mut state, &numbers),
                ("Td" | "TD" | "Tm" | "T*" | "Tj" | "TJ" | "'" | "\"", _) => {
                    self.text(operation, &mut state, &mut pen, &numbers);
                }
                (operator, numbers) => {
                    self.colours(operation, resources, &mut state, numbers);
                    self.paths(operator, &state, numbers);
                    text_state(operator, &mut state, numbers);
                }
            }
        }
        Ok(())
    }

    /// Text operators.
    fn text(&mut self, operation: &Operation, state: &mut State, pen: &mut Pen, numbers: &[f32]) {
        let mut newline = |x: f32, y: f32| {
            pen.line = Matrix::shift(x, y).then(pen.line);
            pen.next = pen.line;
        };
        match (operation.operator.as_str(), numbers) {
            ("Td", &[x, y]) => newline(x, y),
            ("TD", &[x, y]) => {
                state.leading = -y;
                newline(x, y);
            }
            ("T*", _) => newline(0.0, -state.leading),
            ("Tm", &[a, b, c, d, e, f]) => {
                pen.line = Matrix([a, b, c, d, e, f]);
                pen.next = pen.line;
            }
            ("'" | "\"", numbers) => {
                if let &[word, letter] = numbers {
                    (state.word, state.letter) = (word, letter);
                }
                newline(0.0, -state.leading);
                operation.operands.iter().for_each(|o| self.show(o, state, pen));
            }
            ("Tj", _) => operation.operands.iter().for_each(|o| self.show(o, state, pen)),
            ("TJ", _) => {
                let list = operation.operands.first().and_then(|o| o.as_array().ok());
                for part in list.into_iter().flatten() {
                    match part.as_float() {
                        Ok(back) => {
                            let by = -back / 1000.0 * state.size * state.stretch;
                            pen.next = Matrix::shift(by, 0.0).then(pen.next);
                        }
                        Err(_) => self.show(part, state, pen),
                    }
                }
            }
            _ => {}
        }
    }

    /// Shows one string and moves the pen.
    fn show(&mut self, string: &Object, state: &State, pen: &mut Pen) {
        let Ok(bytes) = string.as_str() else { return };
        let Some(font) = &state.font else { return };
        let (width, codes, spaces) = font.width(bytes);
        let ahead = (width / 1000.0 * state.size + codes * state.letter + spaces * state.word) * state.stretch;
        let to_page = pen.next.then(state.to_page);
        let (x, y) = to_page.place(0.0, state.rise);
        let (end, _) = to_page.place(ahead, state.rise);
        pen.next = Matrix::shift(ahead, 0.0).then(pen.next);
        if ![x, y, end].iter().all(|n| n.is_finite()) {
            return;
        }
        let text = font.letters(&self.encodings, bytes);
        if text.is_empty() {
            return;
        }
        let size = (state.size * to_page.height()).abs();
        let narrow = (state.size * to_page.width() * state.stretch).abs();
        let middle = to_page.place(ahead / 2.0, state.rise + state.size / 4.0);
        let [left, bottom, right, top] = self.visible;
        let hidden = if matches!(state.mode, 3 | 7) || state.alpha < 0.05 {
            Some(How::Invisible)
        } else if size < TINY || narrow < TINY / 2.0 {
            Some(How::Tiny)
        } else if end.max(x) < left || x.min(end) > right || y + size < bottom || y > top {
            Some(How::OffPage)
        } else if state.mode == 0 && alike(state.fill, self.painted.behind(middle)) {
            Some(How::Colour)
        } else {
            None
        };
        self.lines.put(&Piece { text, x, y, end, size, hidden });
    }

    /// A form (drawn in place) or a picture (a background of unknown colour).
    fn place(
        &mut self,
        operation: &Operation,
        resources: &[&'f Dictionary],
        state: &State,
        depth: usize,
    ) -> Result<(), DocumentError> {
        let Some(Object::Stream(stream)) = self.resource(operation, resources, b"XObject") else { return Ok(()) };
        let subtype = stream.dict.get(b"Subtype").and_then(Object::as_name).unwrap_or_default();
        if subtype == b"Image" {
            for (x, y) in [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)] {
                self.painted.corner(state.to_page.place(x, y));
            }
            if let Some(area) = self.painted.end() {
                self.painted.fill(area, None);
            }
            return Ok(());
        }
        if subtype != b"Form" || depth >= MOST_FORMS {
            return Ok(());
        }
        let content = stream.get_plain_content_with_limit(STREAM_BYTES).map_err(too_much)?;
        *self.budget = self.budget.checked_sub(content.len() / 64).ok_or(DocumentError::GaveUp)?;
        let mut begin = state.clone();
        if let Some((_, Object::Array(matrix))) =
            stream.dict.get(b"Matrix").ok().and_then(|m| self.file.dereference(m).ok())
        {
            let matrix: Vec<f32> = matrix.iter().filter_map(|n| number(self.file, n)).collect();
            if let &[a, b, c, d, e, f] = matrix.as_slice() {
                begin.to_page = Matrix([a, b, c, d, e, f]).then(begin.to_page);
            }
        }
        let own = stream.dict.get(b"Resources").ok().and_then(|r| self.file.dereference(r).ok());
        let own = own.and_then(|(_, r)| r.as_dict().ok());
        let all: Vec<&Dictionary> = own.into_iter().chain(resources.iter().copied()).take(MOST_FORMS + 8).collect();
        self.run(&content, &all, begin, depth + 1)
    }

    /// `Tf` and `gs`: what a name in the resources stands for.
    fn named(&mut self, operation: &Operation, resources: &[&'f Dictionary], state: &mut State, numbers: &[f32]) {
        if operation.operator == "gs" {
            let set = self.resource(operation, resources, b"ExtGState").and_then(|o| o.as_dict().ok());
            if let Some(alpha) = set.and_then(|set| set.get(b"ca").ok()).and_then(|n| number(self.file, n)) {
                state.alpha = alpha;
            }
            return;
        }
        state.size = numbers.last().copied().unwrap_or(state.size);
        let Some(font) = self.resource(operation, resources, b"Font").and_then(|o| o.as_dict().ok()) else { return };
        // One name may mean different fonts in a page and in a form: the dictionary's address tells them apart.
        let key = format!("{:p}", std::ptr::from_ref(font)).into_bytes();
        let known = match self.fonts.get(&key) {
            Some(known) => known.clone(),
            None => {
                let read = Rc::new(Font::read(self.file, font, key.clone(), &mut self.encodings));
                self.fonts.insert(key, read.clone());
                read
            }
        };
        state.font = Some(known);
    }

    /// What the first operand names in a part of the resources.
    fn resource(&self, operation: &Operation, resources: &[&'f Dictionary], part: &[u8]) -> Option<&'f Object> {
        let name = operation.operands.first()?.as_name().ok()?;
        resources.iter().find_map(|of| {
            let (_, list) = self.file.dereference(of.get(part).ok()?).ok()?;
            let (_, found) = self.file.dereference(list.as_dict().ok()?.get(name).ok()?).ok()?;
            Some(found)
        })
    }

    fn colours(&self, operation: &Operation, resources: &[&'f Dictionary], state: &mut State, numbers: &[f32]) {
        match operation.operator.as_str() {
            "g" | "rg" | "k" => {
                state.space = Space::Plain;
                state.fill = colour(numbers);
            }
            "cs" => {
                state.space = self.space(operation, resources);
                state.fill = super::state::BLACK;
            }
            "sc" | "scn" => {
                state.fill = match (state.space, numbers) {
                    (Space::Plain, numbers) if numbers.len() == operation.operands.len() => colour(numbers),
                    (Space::Ink, &[ink]) => colour(&[1.0 - ink]),
                    _ => None,
                };
            }
            _ => {}
        }
    }

    fn space(&self, operation: &Operation, resources: &[&'f Dictionary]) -> Space {
        let name = operation.operands.first().and_then(|o| o.as_name().ok()).unwrap_or_default();
        if name.starts_with(b"Device") {
            return Space::Plain;
        }
        let family = self.resource(operation, resources, b"ColorSpace").and_then(|space| match space {
            Object::Name(name) => Some(name.as_slice()),
            Object::Array(list) => list.first().and_then(|o| o.as_name().ok()),
            _ => None,
        });
        match family {
            Some(b"ICCBased" | b"CalRGB" | b"CalGray" | b"DeviceRGB" | b"DeviceGray" | b"DeviceCMYK") => Space::Plain,
            Some(b"Separation") => Space::Ink,
            _ => Space::Other,
        }
    }

    fn paths(&mut self, operator: &str, state: &State, numbers: &[f32]) {
        match (operator, numbers) {
            ("re", &[x, y, width, height]) => {
                for (x, y) in [(x, y), (x + width, y), (x, y + height), (x + width, y + height)] {
                    self.painted.corner(state.to_page.place(x, y));
                }
            }
            ("m" | "l", &[x, y]) => self.painted.corner(state.to_page.place(x, y)),
            ("c" | "v" | "y", &[.., x, y]) => self.painted.corner(state.to_page.place(x, y)),
            ("f" | "F" | "f*" | "B" | "B*" | "b" | "b*", _) => {
                if let Some(area) = self.painted.end() {
                    let seen = if state.alpha < 0.95 { None } else { state.fill };
                    self.painted.fill(area, seen);
                }
            }
            ("S" | "s" | "n", _) => drop(self.painted.end()),
            _ => {}
        }
    }
}

fn text_state(operator: &str, state: &mut State, numbers: &[f32]) {
    let &[value] = numbers else { return };
    match operator {
        "Tc" => state.letter = value,
        "Tw" => state.word = value,
        "Tz" => state.stretch = value / 100.0,
        "TL" => state.leading = value,
        "Tr" => state.mode = value as i64,
        "Ts" => state.rise = value,
        _ => {}
    }
}
