//! A board in words, as interviewer and grader read it and a person sees it: what is new since the last look.

use super::graph::{Direction, Edge, Graph, Group, Loose, Node};

/// Most parts that are named at once.
const MOST: usize = 40;

/// What is new in `now`; nothing when the two say the same.
pub(super) fn since(before: &Graph, now: &Graph) -> Option<String> {
    let fresh = before.nodes.is_empty() && before.edges.is_empty();
    let mut sentences: Vec<String> = Vec::new();
    let new: Vec<&Node> = now.nodes.iter().filter(|node| before.node(&node.id).is_none()).collect();
    push_list(&mut sentences, "", new.iter().map(|node| described(node)));
    let renamed = now.nodes.iter().filter_map(|node| {
        let old = before.node(&node.id)?;
        (old.label != node.label || old.kind != node.kind).then(|| format!("{} is now {}", named(old), described(node)))
    });
    push_list(&mut sentences, "", renamed);
    for edge in now.edges.iter().filter(|edge| before.edges.iter().all(|old| !same(old, edge))).take(MOST) {
        sentences.push(connection(now, edge));
    }
    for group in now.groups.iter().filter(|group| !before.groups.contains(group)).take(MOST) {
        sentences.extend(together(now, group));
    }
    let remarks: Vec<&String> = now.remarks.iter().filter(|text| !before.remarks.contains(text)).collect();
    push_list(&mut sentences, "Noted: ", remarks.into_iter().cloned());
    for loose in now.loose.iter().filter(|loose| !before.loose.contains(loose)).take(MOST) {
        sentences.push(unclear(now, loose));
    }
    if now.strokes > before.strokes {
        sentences.push("Strokes by hand that were not read".to_owned());
    }
    let gone = before.nodes.iter().filter(|node| now.node(&node.id).is_none()).map(named);
    push_list(&mut sentences, "Gone: ", gone);
    let cut = before.edges.iter().filter(|old| {
        now.edges.iter().all(|edge| edge.id != old.id) && now.node(&old.from).is_some() && now.node(&old.to).is_some()
    });
    push_list(&mut sentences, "No longer connected: ", cut.map(|old| connection(before, old)));
    if sentences.is_empty() {
        return None;
    }
    let opening = if fresh { "On the whiteboard: " } else { "New on the whiteboard: " };
    Some(format!("{opening}{}.", sentences.join(". ")))
}

fn push_list(sentences: &mut Vec<String>, opening: &str, parts: impl Iterator<Item = String>) {
    let mut parts: Vec<String> = parts.collect();
    let more = parts.len().saturating_sub(MOST);
    parts.truncate(MOST);
    if more > 0 {
        parts.push(format!("and {more} more"));
    }
    if !parts.is_empty() {
        sentences.push(format!("{opening}{}", parts.join(", ")));
    }
}

fn same(a: &Edge, b: &Edge) -> bool {
    a.id == b.id && a.from == b.from && a.to == b.to && a.label == b.label && a.direction == b.direction
}

fn named(node: &Node) -> String {
    match (node.label.is_empty(), node.kind.title()) {
        (false, _) => node.label.clone(),
        (true, Some(kind)) => format!("a {kind} without a name"),
        (true, None) => "a box without a name".to_owned(),
    }
}

/// Name and kind; the kind is left out where the name says it.
fn described(node: &Node) -> String {
    let name = named(node);
    let doubt = if node.uncertain { ", drawn by hand" } else { "" };
    match node.kind.title() {
        Some(kind) if !node.label.is_empty() && !node.label.to_lowercase().contains(&kind.to_lowercase()) => {
            format!("{name} ({kind}{doubt})")
        }
        _ if node.uncertain => format!("{name} (drawn by hand)"),
        _ => name,
    }
}

fn connection(graph: &Graph, edge: &Edge) -> String {
    let name = |id: &str| graph.node(id).map_or_else(String::new, named);
    let sign = match edge.direction {
        Direction::Forward => "→",
        Direction::Both => "↔",
        Direction::None => "–",
    };
    let label = if edge.label.is_empty() { String::new() } else { format!(": {}", edge.label) };
    let doubt = if edge.uncertain { " (perhaps: the line only ends near)" } else { "" };
    format!("{} {sign} {}{label}{doubt}", name(&edge.from), name(&edge.to))
}

fn together(graph: &Graph, group: &Group) -> Option<String> {
    let members: Vec<String> = group.members.iter().filter_map(|id| graph.node(id)).map(named).collect();
    if group.label.is_empty() {
        return (members.len() > 1).then(|| format!("Together: {}", members.join(", ")));
    }
    Some(format!("In {}: {}", group.label, members.join(", ")))
}

fn unclear(graph: &Graph, loose: &Loose) -> String {
    let name = |id: &Option<String>| id.as_ref().and_then(|id| graph.node(id)).map(named);
    let label = if loose.label.is_empty() { String::new() } else { format!(" ({})", loose.label) };
    match (name(&loose.from), name(&loose.to)) {
        (Some(from), _) => format!("Unclear: an arrow from {from} to nothing{label}"),
        (None, Some(to)) => format!("Unclear: an arrow from nothing to {to}{label}"),
        (None, None) => format!("Unclear: an arrow between nothing{label}"),
    }
}
