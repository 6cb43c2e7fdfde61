//! The plain kernel, right on every machine and slow on all of them: what the others are tested against.

use super::activations::{Activations, Row};
use super::format::{GROUP, Group, Quantised};
use super::multiply::{Instructions, PANEL, PANELS, Target, Tile};

/// Plain Rust.
pub(super) struct Portable;

impl Instructions for Portable {
    const PANEL_FROM: usize = 4;
    type Loaded = Group;

    #[inline(always)]
    unsafe fn load<Q: Quantised>(blocks: &[u8]) -> Group {
        let mut group = Group::default();
        Q::unpack(blocks, &mut group);
        group
    }

    #[inline(always)]
    unsafe fn terms<Q: Quantised>(group: &Group, row: &Row<'_>, at: usize, terms: &mut [f32]) {
        let values = &row.quantised[at..at + GROUP];
        for (sub, term) in terms.iter_mut().enumerate() {
            let range = sub * Q::SUB..(sub + 1) * Q::SUB;
            let products = group.q[range.clone()].iter().zip(&values[range]);
            let dot: i32 = products.map(|(q, a)| i32::from(*q) * i32::from(*a)).sum();
            let index = at / Q::SUB + sub;
            let (sum, scaled) = if Q::SUB == 16 {
                (row.sum16[index], row.scaled16[index])
            } else {
                (row.sum32[index], row.scaled32[index])
            };
            let scale = group.d[sub] * row.scale[(at + sub * Q::SUB) / 32];
            let dot = (dot - Q::OFFSET * sum) as f32;
            *term = if Q::MINS { scale.mul_add(dot, -(group.m[sub] * scaled)) } else { scale * dot };
        }
    }

    unsafe fn tile<const SUB: usize, const MINS: bool>(tile: &Tile<'_>, input: &Activations, target: Target<'_>) {
        let subs = tile.blocks * 32 / SUB;
        for a in 0..input.rows() {
            let row = input.row(a);
            for panel in 0..PANELS {
                let present = tile.rows.saturating_sub(panel * PANEL).min(PANEL);
                if present == 0 {
                    continue;
                }
                let q = &tile.q[panel * PANEL * tile.blocks * 32..(panel + 1) * PANEL * tile.blocks * 32];
                let mut totals = [0.0_f32; PANEL];
                for sub in 0..subs {
                    let mut dots = [0_i32; PANEL];
                    for column in (sub * SUB..(sub + 1) * SUB).step_by(4) {
                        for (lane, dot) in dots.iter_mut().enumerate() {
                            for i in 0..4 {
                                let q = q[column * PANEL + lane * 4 + i];
                                *dot += i32::from(q) * i32::from(row.quantised[column + i]);
                            }
                        }
                    }
                    let (sum, scaled) = if SUB == 16 {
                        (row.sum16[sub], row.scaled16[sub])
                    } else {
                        (row.sum32[sub], row.scaled32[sub])
                    };
                    for (lane, total) in totals.iter_mut().enumerate() {
                        let place = (panel * subs + sub) * PANEL + lane;
                        let scale = tile.d[place] * row.scale[sub * SUB / 32];
                        let dot = (dots[lane] - tile.offset * sum) as f32;
                        *total += if MINS { scale.mul_add(dot, -(tile.m[place] * scaled)) } else { scale * dot };
                    }
                }
                // SAFETY: these rows are this caller's.
                let out = unsafe { target.out.slice(a * target.stride + tile.row + panel * PANEL, present) };
                out.copy_from_slice(&totals[..present]);
            }
        }
    }
}
