//! Ends a text before a stop text, also when the server does not. Holds back what may be the beginning of one.

/// Watches a text that grows.
pub(super) struct Stops<'a> {
    stops: Vec<&'a str>,
    /// Not told yet.
    held: String,
}

impl<'a> Stops<'a> {
    pub(super) fn new(stops: &'a [String]) -> Self {
        Self { stops: stops.iter().map(String::as_str).filter(|stop| !stop.is_empty()).collect(), held: String::new() }
    }

    /// Takes a piece; what of the text may be told now, and whether a stop text has ended it.
    pub(super) fn take(&mut self, piece: &str) -> (String, bool) {
        self.held.push_str(piece);
        if let Some(at) = self.stops.iter().filter_map(|stop| self.held.find(stop)).min() {
            self.held.truncate(at);
            return (std::mem::take(&mut self.held), true);
        }
        let longest = self.stops.iter().map(|stop| stop.len()).max().unwrap_or(0);
        let mut safe = (self.held.len() + 1).saturating_sub(longest.max(1));
        while !self.held.is_char_boundary(safe) {
            safe -= 1;
        }
        let rest = self.held.split_off(safe);
        (std::mem::replace(&mut self.held, rest), false)
    }

    /// The rest, when the server has ended.
    pub(super) fn rest(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_text_is_never_told_however_it_is_cut() {
        let stops = ["\n\n".to_owned(), "END".to_owned()];
        for size in 1..8 {
            let text = "é one\ntwo EN three END four";
            let mut watch = Stops::new(&stops);
            let (mut told, mut ended) = (String::new(), false);
            for piece in text.chars().collect::<Vec<_>>().chunks(size) {
                let (piece, end) = watch.take(&piece.iter().collect::<String>());
                told += &piece;
                if end {
                    ended = true;
                    break;
                }
            }
            assert!(ended);
            assert_eq!(told, "é one\ntwo EN three ");
        }
    }

    #[test]
    fn without_stop_texts_nothing_is_held_back() {
        let mut watch = Stops::new(&[]);
        assert_eq!(watch.take("é"), ("é".to_owned(), false));
        assert_eq!(watch.rest(), "");
        let stops = ["abc".to_owned()];
        let mut watch = Stops::new(&stops);
        assert_eq!(watch.take("xab"), ("x".to_owned(), false));
        assert_eq!(watch.rest(), "ab");
    }
}
