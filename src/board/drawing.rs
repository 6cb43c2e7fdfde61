//! A scene as a plain SVG picture, for exports: shapes, arrows, words. No script, no style, no outside resource.

use std::fmt::Write;

use super::scene::{Bounds, Element, ElementKind, Scene};

const MARGIN: f64 = 20.0;
const LINE: f64 = 18.0;

/// The picture; nothing for an empty scene. All texts are escaped.
#[must_use]
pub fn svg(scene: &Scene) -> Option<String> {
    let all = scene.elements.iter().map(|element| element.bounds).reduce(|a, b| a.with(&b))?;
    let (width, height) = (all.right - all.left + 2.0 * MARGIN, all.bottom - all.top + 2.0 * MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"Whiteboard\" viewBox=\"{:.0} {:.0} {width:.0} \
         {height:.0}\" width=\"{:.0}\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.5\">",
        all.left - MARGIN,
        all.top - MARGIN,
        width.min(900.0)
    );
    for element in &scene.elements {
        draw(&mut out, element);
    }
    out.push_str("</svg>");
    Some(out)
}

fn draw(out: &mut String, element: &Element) {
    let Bounds { left, top, right, bottom } = element.bounds;
    let (width, height) = (right - left, bottom - top);
    let (x, y) = element.bounds.middle();
    let _ = match element.kind {
        ElementKind::Rectangle => {
            write!(out, "<rect x=\"{left:.0}\" y=\"{top:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" rx=\"4\"/>")
        }
        ElementKind::Frame => write!(
            out,
            "<rect x=\"{left:.0}\" y=\"{top:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" stroke-dasharray=\"6 4\"/>\
             <text x=\"{left:.0}\" y=\"{:.0}\" stroke=\"none\" fill=\"currentColor\" font-size=\"13\">{}</text>",
            top - 5.0,
            escaped(&element.label)
        ),
        ElementKind::Ellipse => {
            write!(out, "<ellipse cx=\"{x:.0}\" cy=\"{y:.0}\" rx=\"{:.0}\" ry=\"{:.0}\"/>", width / 2.0, height / 2.0)
        }
        ElementKind::Diamond => {
            write!(out, "<polygon points=\"{x:.0},{top:.0} {right:.0},{y:.0} {x:.0},{bottom:.0} {left:.0},{y:.0}\"/>")
        }
        ElementKind::Text => words(out, element, (x, y)),
        ElementKind::Arrow | ElementKind::Line | ElementKind::Stroke => path(out, element),
    };
}

fn words(out: &mut String, element: &Element, (x, y): (f64, f64)) -> std::fmt::Result {
    write!(
        out,
        "<text x=\"{x:.0}\" y=\"{:.0}\" text-anchor=\"middle\" stroke=\"none\" fill=\"currentColor\" \
         font-size=\"{:.0}\">{}</text>",
        y + LINE / 4.0,
        (LINE * 0.8).min(element.bounds.bottom - element.bounds.top + 1.0).max(8.0),
        escaped(&element.label)
    )
}

fn path(out: &mut String, element: &Element) -> std::fmt::Result {
    let points: Vec<String> = element.points.iter().map(|(x, y)| format!("{x:.0},{y:.0}")).collect();
    write!(out, "<polyline points=\"{}\"/>", points.join(" "))?;
    if let [.., before, end] = element.points[..]
        && element.head_at_end
    {
        head(out, before, end)?;
    }
    if let [start, after, ..] = element.points[..]
        && element.head_at_start
    {
        head(out, after, start)?;
    }
    Ok(())
}

fn head(out: &mut String, from: (f64, f64), to: (f64, f64)) -> std::fmt::Result {
    let angle = (to.1 - from.1).atan2(to.0 - from.0);
    let side = |turn: f64| (to.0 - 11.0 * (angle + turn).cos(), to.1 - 11.0 * (angle + turn).sin());
    let (a, b) = (side(0.45), side(-0.45));
    write!(out, "<polyline points=\"{:.0},{:.0} {:.0},{:.0} {:.0},{:.0}\"/>", a.0, a.1, to.0, to.1, b.0, b.1)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
