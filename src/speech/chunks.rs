//! A long sound in pieces that the model can take in at once, cut where nobody speaks. Pure.

use crate::mel::Energies;
use crate::voice::Span;

/// Longest piece, in frames: the model sees 30 seconds, of which a little silence at the end helps it to stop.
pub(crate) const LONGEST: usize = 2_850;
/// A piece that has to be cut within speech is cut after this at the earliest.
const EARLIEST: usize = 2_000;

/// Pieces from the first to the last voice, none longer than [`LONGEST`].
pub(crate) fn chunks(spans: &[Span], energies: &Energies) -> Vec<Span> {
    let mut out = Vec::new();
    let mut open: Option<Span> = None;
    for span in spans {
        let mut span = *span;
        if let Some(chunk) = open {
            if span.end - chunk.start <= LONGEST {
                open = Some(Span { start: chunk.start, end: span.end });
                continue;
            }
            out.push(chunk);
        }
        while span.end - span.start > LONGEST {
            let cut = quietest(energies, span.start + EARLIEST, span.start + LONGEST);
            out.push(Span { start: span.start, end: cut });
            span.start = cut;
        }
        open = Some(span);
    }
    out.extend(open);
    out
}

fn quietest(energies: &Energies, from: usize, to: usize) -> usize {
    let loudness = |frame: usize| -> f32 {
        let near = frame.saturating_sub(5)..(frame + 5).min(energies.frames);
        near.map(|frame| energies.frame(frame).iter().sum::<f32>()).sum()
    };
    (from..to).min_by(|a, b| loudness(*a).total_cmp(&loudness(*b))).unwrap_or(to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mel::BANDS;

    fn flat(frames: usize) -> Energies {
        Energies { values: vec![0.0; frames * BANDS], frames }
    }

    #[test]
    fn voices_are_joined_while_they_fit_and_pauses_are_where_pieces_end() {
        let spans = [(100, 900), (1_000, 2_500), (2_600, 3_600)].map(|(start, end)| Span { start, end });
        let pieces = chunks(&spans, &flat(4_000));
        assert_eq!(pieces, [Span { start: 100, end: 2_500 }, Span { start: 2_600, end: 3_600 }]);
        assert!(chunks(&[], &flat(10)).is_empty());
    }

    #[test]
    fn speech_without_a_pause_is_cut_where_it_is_quietest() {
        let mut energies = flat(9_000);
        energies.values[2_400 * BANDS..2_410 * BANDS].fill(-3.0);
        let pieces = chunks(&[Span { start: 0, end: 9_000 }], &energies);
        assert!((2_400..=2_410).contains(&pieces[0].end), "{pieces:?}");
        assert!(pieces.iter().all(|piece| piece.end - piece.start <= LONGEST));
        assert!(pieces.windows(2).all(|pair| pair[0].end == pair[1].start) && pieces[pieces.len() - 1].end == 9_000);
    }
}
