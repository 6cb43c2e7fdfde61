//! Where somebody speaks. A pure function of the energies of a sound: what stands out from the background in many bands
//! at once, longer than a click, and moves. A steady noise is its own background, however loud; one that has just begun is
//! louder than what was before it, but not than itself; a tone stands out in few bands.

use crate::mel::{BANDS, Energies};

/// Frames from the beginning of somebody's speaking to its end, 10 ms each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First frame.
    pub start: usize,
    /// One after the last.
    pub end: usize,
}

impl Span {
    /// In milliseconds from the beginning of the sound.
    #[must_use]
    pub fn milliseconds(self) -> (u64, u64) {
        (self.start as u64 * 10, self.end as u64 * 10)
    }
}

/// Bands are looked at four together, without the lowest (hum) and the highest.
const TOGETHER: usize = 4;
const FIRST: usize = 2;
const GROUPS: usize = 18;
/// Frames over which energies are averaged.
const SMOOTH: usize = 5;
/// The background is measured anew this often, over so many frames before and after.
const STEP: usize = 50;
const AROUND: usize = 300;
/// The share of frames that belong to the background at least.
const QUIETEST: f32 = 0.1;
/// Quieter than this (some -70 dB of full scale) is silence, whatever is around it.
const SILENCE: f32 = -6.5;
/// Mean excess over the background that begins and that continues speech, in powers of ten.
const BEGINS: f32 = 0.6;
const GOES_ON: f32 = 0.35;
/// A band counts from this excess on; so many have to.
const STANDS_OUT: f32 = 0.6;
const MANY: usize = 5;
/// Frames that have to be that loud for speech to be there at all.
const LONG_ENOUGH: usize = 9;
/// Syllables come and go: somebody's speaking exceeds its own quieter moments (the quietest fifth of each band) by this for a
/// tenth of its time. White, pink and brown noise has .1 to .2, a swinging fan .6; "a queue" in a noise 10 dB below it .8.
const MOVES: f32 = 0.4;
const OWN_QUIET: f32 = 0.2;
const OWN_LOUD: f32 = 0.9;
/// A shorter silence is a part of the speech.
const PAUSE: usize = 30;
/// What a span gets before and after. The soft beginnings and ends of words drown in a noise: where speech exceeds its
/// background by little it gets more. By how much its loudest tenth does: people in a quiet room 2.4 to 3.0 powers of ten,
/// 20 dB above a noise 1.3 to 2.0, 10 dB above it .8 to 1.3.
const MARGIN: usize = 15;
const MARGIN_IN_NOISE: usize = 100;
const DROWNED: f32 = 1.35;

/// The spans, in order, not touching.
#[must_use]
pub fn spans(energies: &Energies) -> Vec<Span> {
    let groups = smoothed(energies);
    let floors = background(&groups);
    let excess: Vec<(f32, usize)> = groups
        .iter()
        .enumerate()
        .map(|(frame, values)| {
            let floor = &floors[(frame / STEP).min(floors.len() - 1)];
            let over = over(values, floor);
            (mean(&over), over.iter().filter(|over| **over > STANDS_OUT).count())
        })
        .collect();
    let mut found: Vec<Span> = Vec::new();
    let mut at = 0;
    while at < excess.len() {
        if excess[at].0 < GOES_ON {
            at += 1;
            continue;
        }
        let end = excess[at..].iter().position(|(mean, _)| *mean < GOES_ON).map_or(excess.len(), |n| at + n);
        let loud = |(mean, many): &&(f32, usize)| *mean > BEGINS && *many >= MANY;
        if excess[at..end].iter().filter(loud).count() >= LONG_ENOUGH {
            match found.last_mut() {
                Some(last) if at - last.end < PAUSE => last.end = end,
                _ => found.push(Span { start: at, end }),
            }
        }
        at = end;
    }
    found.retain(|span| moves(&groups[span.start..span.end]));
    let margin = |span: &Span| {
        let mut above: Vec<f32> = excess[span.start..span.end].iter().map(|(mean, _)| *mean).collect();
        if nth(&mut above, OWN_LOUD) < DROWNED { MARGIN_IN_NOISE } else { MARGIN }
    };
    with_margins(&found, &margin, energies.frames)
}

fn over(values: &[f32; GROUPS], floor: &[f32; GROUPS]) -> [f32; GROUPS] {
    std::array::from_fn(|group| (values[group] - floor[group]).clamp(0.0, 3.0))
}

fn mean(over: &[f32; GROUPS]) -> f32 {
    over.iter().sum::<f32>() / GROUPS as f32
}

/// Whether a sound comes and goes as speech does.
fn moves(groups: &[[f32; GROUPS]]) -> bool {
    let floor = exceeded(groups, OWN_QUIET);
    let mut above: Vec<f32> = groups.iter().map(|values| mean(&over(values, &floor))).collect();
    nth(&mut above, OWN_LOUD) > MOVES
}

/// The value that a share of the values lies below; 0 of none.
fn nth(values: &mut [f32], share: f32) -> f32 {
    let rank = ((values.len() as f32 * share) as usize).min(values.len().saturating_sub(1));
    if values.is_empty() { 0.0 } else { *values.select_nth_unstable_by(rank, f32::total_cmp).1 }
}

/// For each group the level under which that share of the frames lies, silence at least.
fn exceeded(groups: &[[f32; GROUPS]], share: f32) -> [f32; GROUPS] {
    std::array::from_fn(|group| {
        let mut values: Vec<f32> = groups.iter().map(|values| values[group]).collect();
        let rank = (values.len() as f32 * share) as usize;
        if rank >= values.len() {
            return SILENCE;
        }
        let (_, value, _) = values.select_nth_unstable_by(rank, f32::total_cmp);
        value.max(SILENCE)
    })
}

fn smoothed(energies: &Energies) -> Vec<[f32; GROUPS]> {
    let raw: Vec<[f32; GROUPS]> = (0..energies.frames)
        .map(|frame| {
            let frame = energies.frame(frame);
            std::array::from_fn(|group| {
                let first = FIRST + group * TOGETHER;
                frame[first..(first + TOGETHER).min(BANDS)].iter().sum::<f32>() / TOGETHER as f32
            })
        })
        .collect();
    (0..raw.len())
        .map(|frame| {
            let from = frame.saturating_sub(SMOOTH / 2);
            let near = &raw[from..(frame + SMOOTH / 2 + 1).min(raw.len())];
            std::array::from_fn(|group| near.iter().map(|values| values[group]).sum::<f32>() / near.len() as f32)
        })
        .collect()
}

/// For every [`STEP`] frames the level that is exceeded in nine of ten frames around, group by group.
fn background(groups: &[[f32; GROUPS]]) -> Vec<[f32; GROUPS]> {
    let steps = groups.len().div_ceil(STEP).max(1);
    (0..steps)
        .map(|step| {
            let middle = step * STEP + STEP / 2;
            let near = &groups[middle.saturating_sub(AROUND).min(groups.len())..(middle + AROUND).min(groups.len())];
            exceeded(near, QUIETEST)
        })
        .collect()
}

fn with_margins(found: &[Span], margin: &dyn Fn(&Span) -> usize, frames: usize) -> Vec<Span> {
    let mut out: Vec<Span> = Vec::new();
    for span in found {
        let margin = margin(span);
        let wide = Span { start: span.start.saturating_sub(margin), end: (span.end + margin).min(frames) };
        match out.last_mut() {
            Some(last) if wide.start <= last.end => last.end = wide.end,
            _ => out.push(wide),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Syllables from frame 200 to 400, so many powers of ten above a steady background.
    fn syllables(above: f32) -> Vec<Span> {
        const FLOOR: f32 = -4.0;
        let level = |frame: usize| match frame {
            200..400 if (frame / 10) % 3 < 2 => FLOOR + above,
            200..400 => FLOOR + 0.4 * above,
            _ => FLOOR,
        };
        let values = (0..600).flat_map(|frame| [level(frame); BANDS]).collect();
        spans(&Energies { values, frames: 600 })
    }

    #[test]
    fn a_voice_gets_more_around_it_where_its_edges_drown_in_a_noise() {
        let (plain, drowned) = (syllables(2.5), syllables(1.0));
        assert_eq!([plain.len(), drowned.len()], [1, 1]);
        let near = |at: usize, edge: usize| at.abs_diff(edge) <= 2 * SMOOTH;
        assert!(near(plain[0].start, 200 - MARGIN) && near(plain[0].end, 400 + MARGIN), "{plain:?}");
        let wide = MARGIN_IN_NOISE;
        assert!(near(drowned[0].start, 200 - wide) && near(drowned[0].end, 400 + wide), "{drowned:?}");
        assert!(syllables(0.2).is_empty(), "hardly above the background");
    }
}
