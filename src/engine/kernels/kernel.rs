//! Which instructions to use: detected at run time, or forced by name.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    AmxInt8,
    /// [`Set::AmxInt8`] with registers that a test plays.
    #[cfg(test)]
    AmxModel,
    Avx512Vnni,
    AvxVnni,
    Avx2,
    Portable,
}

/// An instruction set that this processor has. There is no way to hold one that it has not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Kernel(Set);

/// How plain loops are compiled; comes from a [`Kernel`], so what it names is available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// 512-bit registers.
    Avx512,
    /// 256-bit registers, fused multiply-add.
    Avx2,
    /// The target's baseline.
    Portable,
}

/// A kernel was asked for by name and is not to be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("kernel {name} is not available on this processor (available: {available})")]
pub struct Unavailable {
    /// What was asked for.
    pub name: String,
    /// Names that would work.
    pub available: String,
}

impl Kernel {
    /// All kernels of this processor, fastest first; the last is the portable one.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let sets = [
            Set::AmxInt8,
            Set::Avx512Vnni,
            #[cfg(test)]
            Set::AmxModel,
            Set::AvxVnni,
            Set::Avx2,
            Set::Portable,
        ];
        sets.into_iter().filter(|set| set.detected()).map(Self).collect()
    }

    /// The fastest kernel of this processor.
    #[must_use]
    pub fn best() -> Self {
        Self::available().first().copied().unwrap_or(Self(Set::Portable))
    }

    /// The kernel called `name`.
    ///
    /// # Errors
    /// [`Unavailable`] when there is no such kernel or the processor lacks it.
    pub fn named(name: &str) -> Result<Self, Unavailable> {
        let available = Self::available();
        available.iter().copied().find(|kernel| kernel.name() == name).ok_or_else(|| Unavailable {
            name: name.to_owned(),
            available: available.iter().map(|kernel| kernel.name()).collect::<Vec<_>>().join(", "),
        })
    }

    /// Its name on the command line and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            Set::AmxInt8 => "amx-int8",
            #[cfg(test)]
            Set::AmxModel => "amx-model",
            Set::Avx512Vnni => "avx512-vnni",
            Set::AvxVnni => "avx-vnni",
            Set::Avx2 => "avx2",
            Set::Portable => "portable",
        }
    }

    /// How loops around the kernel are compiled.
    #[must_use]
    pub fn level(self) -> Level {
        match self.0 {
            Set::AmxInt8 | Set::Avx512Vnni => Level::Avx512,
            #[cfg(test)]
            Set::AmxModel => Level::Avx512,
            Set::AvxVnni | Set::Avx2 => Level::Avx2,
            Set::Portable => Level::Portable,
        }
    }

    pub(super) fn set(self) -> Set {
        self.0
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Set {
    #[cfg(target_arch = "x86_64")]
    fn detected(self) -> bool {
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let avx2 = avx2 && is_x86_feature_detected!("f16c");
        let avx512 = avx2
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vnni");
        match self {
            Self::AmxInt8 => avx512 && super::amx::granted(),
            #[cfg(test)]
            Self::AmxModel => avx512,
            Self::Avx512Vnni => avx512,
            Self::AvxVnni => avx2 && is_x86_feature_detected!("avxvnni"),
            Self::Avx2 => avx2,
            Self::Portable => true,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn detected(self) -> bool {
        self == Self::Portable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portable_is_always_there_and_last() {
        let kernels = Kernel::available();
        assert_eq!(kernels.last().map(|kernel| kernel.name()), Some("portable"));
        assert_eq!(kernels.first().copied(), Some(Kernel::best()));
    }

    #[test]
    fn an_unknown_kernel_is_named_with_what_would_work() {
        let error = Kernel::named("abacus").expect_err("no abacus");
        assert!(error.to_string().starts_with("kernel abacus is not available on this processor (available: "));
        assert!(error.to_string().ends_with("portable)"));
    }
}
