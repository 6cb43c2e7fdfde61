//! AMX: registers of 16 rows of 64 bytes, and one instruction that multiplies the signed bytes of 16 activations with
//! the unsigned bytes of 16 rows of weights. Serves products with many activations; the others stream through AVX-512,
//! because memory bounds them.
//!
//! A panel's quads (`[column / 4][row][4]`) are the layout that the instruction wants of its second operand, and rows
//! of activations are that of its first, so nothing is rearranged. Source: Intel 64 and IA-32 Architectures Software
//! Developer's Manual, volume 1, chapter 18, and volume 2, `TDPBSUD`.

use std::arch::asm;
use std::arch::x86_64::*;
use std::sync::OnceLock;

use super::activations::Activations;
use super::avx512::Avx512;
use super::format::Quantised;
use super::multiply::{Instructions, PANELS, PanelMut, Target, Tile};
use super::packed::{PANEL, Panel};

/// Activations of one register.
const GROUP: usize = 16;

/// AMX-INT8 beside what [`Avx512`] needs; `T` does the multiplying.
pub(super) struct Amx<T>(T);

/// The sums of 16 activations with 16 rows of weights: `[activation][row]`.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Sums([[i32; PANEL]; GROUP]);

/// The operand of `LDTILECFG`: palette 1 and the shape of each of the eight registers.
#[repr(C, align(64))]
pub(super) struct Shapes([u8; 64]);

impl Shapes {
    /// Sums in registers 0 and 1, activations in 4 and 6, weights in 5 and 7, for sub-blocks of `columns`.
    fn new(activations: usize, columns: usize) -> Self {
        let mut bytes = [0; 64];
        bytes[0] = 1;
        let mut shape = |register: usize, rows: usize, row_bytes: usize| {
            bytes[16 + 2 * register] = row_bytes as u8;
            bytes[48 + register] = rows as u8;
        };
        for i in 0..2 {
            shape(i, activations, 4 * PANEL);
            shape(4 + 2 * i, activations, columns);
            shape(5 + 2 * i, columns / 4, 4 * PANEL);
        }
        Self(bytes)
    }
}

/// What has tile registers: the processor, or in tests a model of it.
pub(super) trait Registers {
    /// Shapes the registers.
    ///
    /// # Safety
    /// The processor must have them and the system must have granted them.
    unsafe fn open(shapes: &Shapes) -> Self;

    /// Products of rows of activations, `stride` bytes apart, with the quads at `weights`, in the registers of pair
    /// `PAIR` (0 or 1), stored to `sums`.
    ///
    /// # Safety
    /// Rows and quads must be there, as many as the shapes say.
    unsafe fn multiply<const PAIR: usize>(
        &mut self,
        activations: *const i8,
        stride: usize,
        weights: *const u8,
        sums: &mut Sums,
    );
}

/// The processor's own registers; released when dropped.
pub(super) struct Hardware(());

impl Registers for Hardware {
    unsafe fn open(shapes: &Shapes) -> Self {
        // SAFETY: promised by the caller.
        unsafe { asm!("ldtilecfg [{shapes}]", shapes = in(reg) shapes, options(nostack, preserves_flags)) };
        Self(())
    }

    #[inline(always)]
    unsafe fn multiply<const PAIR: usize>(
        &mut self,
        activations: *const i8,
        stride: usize,
        weights: *const u8,
        sums: &mut Sums,
    ) {
        macro_rules! pair {
            ($sums:tt, $activations:tt, $weights:tt) => {
                asm!(
                    concat!("tileloadd ", $activations, ", [{a} + {stride}*1]"),
                    concat!("tileloadd ", $weights, ", [{w} + {line}*1]"),
                    concat!("tilezero ", $sums),
                    concat!("tdpbsud ", $sums, ", ", $activations, ", ", $weights),
                    concat!("tilestored [{s} + {line}*1], ", $sums),
                    a = in(reg) activations,
                    stride = in(reg) stride,
                    w = in(reg) weights,
                    s = in(reg) sums,
                    line = in(reg) 64_usize,
                    out($sums) _,
                    out($activations) _,
                    out($weights) _,
                    options(nostack, preserves_flags),
                )
            };
        }
        // SAFETY: promised by the caller.
        unsafe {
            if PAIR == 0 {
                pair!("tmm0", "tmm4", "tmm5");
            } else {
                pair!("tmm1", "tmm6", "tmm7");
            }
        }
    }
}

impl Drop for Hardware {
    fn drop(&mut self) {
        // SAFETY: registers that were opened can be released.
        unsafe { asm!("tilerelease", options(nostack, nomem, preserves_flags)) };
    }
}

/// Whether the processor has AMX-INT8, the system grants it, and one product with it is right. Asked once: the grant
/// holds for the process.
pub(super) fn granted() -> bool {
    static GRANTED: OnceLock<bool> = OnceLock::new();
    *GRANTED.get_or_init(|| present() && grant() && right::<Hardware>())
}

/// `CPUID`: AMX-TILE and AMX-INT8 (leaf 7), and that the system saves the registers (`XCR0`, bits 17 and 18).
fn present() -> bool {
    if !is_x86_feature_detected!("xsave") || __cpuid(0).eax < 7 {
        return false;
    }
    let amx = __cpuid_count(7, 0).edx >> 24 & 3 == 3;
    let mut saved: u32;
    // SAFETY: XSAVE was detected, and the standard library asks XGETBV before it reports AVX-512.
    unsafe {
        asm!("xgetbv", in("ecx") 0, out("eax") saved, out("edx") _, options(nomem, nostack, preserves_flags));
    }
    amx && saved >> 17 & 3 == 3
}

/// Asks Linux for the data of tile registers (Documentation/arch/x86/xstate.rst).
#[cfg(target_os = "linux")]
fn grant() -> bool {
    const ARCH_PRCTL: isize = 158;
    const ARCH_REQ_XCOMP_PERM: usize = 0x1023;
    const XFEATURE_XTILEDATA: usize = 18;
    let mut result = ARCH_PRCTL;
    // SAFETY: this call reads and writes no memory of ours.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") result,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") XFEATURE_XTILEDATA,
            out("rcx") _,
            out("r11") _,
            options(nostack, nomem),
        );
    }
    result == 0
}

#[cfg(not(target_os = "linux"))]
fn grant() -> bool {
    false
}

/// One product of unlike numbers at their limits. A virtual machine that claims AMX and has it wrong is found here.
fn right<T: Registers>() -> bool {
    let activations: [[i8; 32]; GROUP] =
        std::array::from_fn(|a| std::array::from_fn(|k| ((a * 37 + k * 11) % 256) as u8 as i8));
    let weights: [[[u8; 4]; PANEL]; 8] = std::array::from_fn(|quad| {
        std::array::from_fn(|row| std::array::from_fn(|i| ((quad * 91 + row * 53 + i * 29) % 256) as u8))
    });
    let mut sums = Sums([[0; PANEL]; GROUP]);
    // SAFETY: the caller has the registers; both operands are whole.
    unsafe {
        let mut registers = T::open(&Shapes::new(GROUP, 32));
        registers.multiply::<1>(activations.as_ptr().cast(), 32, weights.as_ptr().cast(), &mut sums);
    }
    (0..GROUP).all(|a| {
        (0..PANEL).all(|row| {
            let want: i32 = (0..32).map(|k| i32::from(activations[a][k]) * i32::from(weights[k / 4][row][k % 4])).sum();
            sums.0[a][row] == want
        })
    })
}

impl<T: Registers> Instructions for Amx<T> {
    const STREAMED: usize = Avx512::STREAMED;

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
    unsafe fn stream<Q: Quantised>(panel: &Panel<'_>, input: &Activations, rows: (usize, usize), target: Target<'_>) {
        // SAFETY: promised by the caller.
        unsafe { Avx512::stream::<Q>(panel, input, rows, target) };
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
    unsafe fn unpack<Q: Quantised>(panel: &Panel<'_>, room: PanelMut<'_>) {
        // SAFETY: promised by the caller.
        unsafe { Avx512::unpack::<Q>(panel, room) };
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
    unsafe fn tile<const SUB: usize, const MINS: bool>(tile: &Tile<'_>, input: &Activations, target: Target<'_>) {
        for first in (0..input.rows()).step_by(GROUP) {
            let count = (input.rows() - first).min(GROUP);
            // SAFETY: promised by the caller.
            unsafe {
                let mut registers = T::open(&Shapes::new(count, SUB));
                for panel in 0..PANELS {
                    group::<T, SUB, MINS>(&mut registers, tile, panel, input, (first, count), target);
                }
            }
        }
    }
}

/// Multiplies one panel of a tile with activations `first..first + count`.
///
/// While the registers multiply one sub-block, the sums of the one before are scaled and added up.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
unsafe fn group<T: Registers, const SUB: usize, const MINS: bool>(
    registers: &mut T,
    tile: &Tile<'_>,
    panel: usize,
    input: &Activations,
    (first, count): (usize, usize),
    target: Target<'_>,
) {
    let present = tile.rows.saturating_sub(panel * PANEL).min(PANEL);
    if present == 0 {
        return;
    }
    assert!(first + count <= input.rows(), "a tile beyond its activations. This is a bug.");
    let subs = tile.blocks * 32 / SUB;
    let padded = input.padded();
    let base = input.row(first);
    let scaling = Scaling {
        d: tile.d[panel * PANEL * subs..(panel + 1) * PANEL * subs].as_ptr(),
        m: tile.m[panel * PANEL * subs..(panel + 1) * PANEL * subs].as_ptr(),
        scale: base.scale.as_ptr(),
        sums: if SUB == 16 { base.sum16.as_ptr() } else { base.sum32.as_ptr() },
        scaled: if SUB == 16 { base.scaled16.as_ptr() } else { base.scaled32.as_ptr() },
        per_scale: padded / 32,
        per_sum: padded / SUB,
        offset: tile.offset,
    };
    let weights = tile.q[panel * PANEL * tile.blocks * 32..(panel + 1) * PANEL * tile.blocks * 32].as_ptr();
    let values = base.quantised.as_ptr();
    let mut sums = [Sums([[0; PANEL]; GROUP]); 2];
    let mut totals = [_mm512_setzero_ps(); GROUP];
    let [even, odd] = &mut sums;
    // SAFETY: sub-blocks are within the panel and the padded rows, which `Tile` and `Activations` size alike.
    unsafe {
        let weights = |sub: usize| weights.add(sub * SUB * PANEL);
        registers.multiply::<0>(values, padded, weights(0), even);
        for sub in (0..subs).step_by(2) {
            if sub + 1 < subs {
                registers.multiply::<1>(values.add((sub + 1) * SUB), padded, weights(sub + 1), odd);
            }
            scaling.add::<SUB, MINS>(even, sub, count, &mut totals);
            if sub + 2 < subs {
                registers.multiply::<0>(values.add((sub + 2) * SUB), padded, weights(sub + 2), even);
            }
            if sub + 1 < subs {
                scaling.add::<SUB, MINS>(odd, sub + 1, count, &mut totals);
            }
        }
    }
    let mask = ((1_u32 << present) - 1) as u16;
    for (a, total) in totals.iter().enumerate().take(count) {
        // SAFETY: these rows are this caller's, and the mask covers no more than the slice.
        unsafe {
            let out = target.out.slice((first + a) * target.stride + tile.row + panel * PANEL, present);
            _mm512_mask_storeu_ps(out.as_mut_ptr(), mask, *total);
        }
    }
}

/// What makes terms of integer sums: scales of a panel and of a group of activations.
struct Scaling {
    d: *const f32,
    m: *const f32,
    scale: *const f32,
    sums: *const i32,
    scaled: *const f32,
    per_scale: usize,
    per_sum: usize,
    offset: i32,
}

impl Scaling {
    /// Adds the terms of sub-block `sub` to the totals of `count` activations; the others are left alone.
    ///
    /// # Safety
    /// The sub-block and the activations must be there.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
    #[inline]
    unsafe fn add<const SUB: usize, const MINS: bool>(
        &self,
        sums: &Sums,
        sub: usize,
        count: usize,
        totals: &mut [__m512; GROUP],
    ) {
        // SAFETY: promised by the caller.
        unsafe {
            let d = _mm512_loadu_ps(self.d.add(sub * PANEL));
            let m = if MINS { _mm512_loadu_ps(self.m.add(sub * PANEL)) } else { d };
            // Offsets are powers of two.
            let shift = _mm_cvtsi32_si128(self.offset.trailing_zeros().cast_signed());
            for (a, total) in totals.iter_mut().enumerate() {
                // Activations that are not there read the first one's scales, and nobody reads their totals.
                let there = if a < count { a } else { 0 };
                let mut dot = _mm512_load_si512(sums.0[a].as_ptr().cast());
                if self.offset != 0 {
                    let sum = _mm512_set1_epi32(*self.sums.add(there * self.per_sum + sub));
                    dot = _mm512_sub_epi32(dot, _mm512_sll_epi32(sum, shift));
                }
                let dot = _mm512_cvtepi32_ps(dot);
                let scale = _mm512_set1_ps(*self.scale.add(there * self.per_scale + sub * SUB / 32));
                let scale = _mm512_mul_ps(d, scale);
                if MINS {
                    let scaled = _mm512_set1_ps(*self.scaled.add(there * self.per_sum + sub));
                    *total = _mm512_fnmadd_ps(m, scaled, *total);
                }
                *total = _mm512_fmadd_ps(scale, dot, *total);
            }
        }
    }
}

/// The registers as the manual describes them, for processors without: the kernel's layout and order are tested with it.
#[cfg(test)]
pub(super) struct Model {
    rows: [usize; 8],
    row_bytes: [usize; 8],
}

#[cfg(test)]
impl Registers for Model {
    unsafe fn open(shapes: &Shapes) -> Self {
        assert_eq!(shapes.0[0], 1, "palette");
        assert!(shapes.0[1..16].iter().chain(&shapes.0[56..]).all(|byte| *byte == 0), "reserved bytes");
        let model = Self {
            rows: std::array::from_fn(|i| shapes.0[48 + i].into()),
            row_bytes: std::array::from_fn(|i| shapes.0[16 + 2 * i].into()),
        };
        assert!(model.rows.iter().all(|rows| *rows <= 16) && model.row_bytes.iter().all(|bytes| *bytes <= 64));
        model
    }

    unsafe fn multiply<const PAIR: usize>(
        &mut self,
        activations: *const i8,
        stride: usize,
        weights: *const u8,
        sums: &mut Sums,
    ) {
        let (c, a, b) = (PAIR, 4 + 2 * PAIR, 5 + 2 * PAIR);
        // What raises #UD in `TDPBSUD`.
        assert_eq!(self.rows[c], self.rows[a]);
        assert_eq!(self.row_bytes[c], self.row_bytes[b]);
        assert_eq!(self.row_bytes[a], 4 * self.rows[b]);
        assert!(self.rows[c] > 0 && self.row_bytes[c].is_multiple_of(4) && self.row_bytes[a].is_multiple_of(4));
        for m in 0..self.rows[c] {
            for n in 0..self.row_bytes[c] / 4 {
                let mut sum = 0;
                for k in 0..self.row_bytes[a] {
                    // SAFETY: promised by the caller.
                    let (x, w) =
                        unsafe { (*activations.add(m * stride + k), *weights.add(k / 4 * 64 + 4 * n + k % 4)) };
                    sum += i32::from(x) * i32::from(w);
                }
                sums.0[m][n] = sum;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_passes_the_test_that_the_processor_must_pass() {
        assert!(right::<Model>());
    }

    #[test]
    fn shapes_are_those_of_the_manual() {
        let Shapes(bytes) = Shapes::new(3, 32);
        assert_eq!(bytes[0], 1);
        assert_eq!(bytes[16..32], [64, 0, 64, 0, 0, 0, 0, 0, 32, 0, 64, 0, 32, 0, 64, 0]);
        assert_eq!(bytes[48..56], [3, 3, 0, 0, 3, 8, 3, 8]);
    }
}
