//! Compiles one plain body per instruction set and picks at run time.

/// `versions!(fn name(args) = body)` defines `fn name(level, args)`, which runs `body` compiled for `level`. The results
/// are the same bits at every level: fused operations are written as such, and nothing else is fused or reordered.
macro_rules! versions {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) = $body:ident) => {
        $(#[$doc])*
        #[expect(clippy::allow_attributes, reason = "expanded for functions short and long")]
        #[allow(clippy::too_many_arguments, reason = "a kernel takes what its loop needs")]
        $vis fn $name(level: $crate::kernels::Level, $($arg: $type),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
                fn avx512($($arg: $type),*) {
                    $body($($arg),*);
                }
                #[target_feature(enable = "avx2,fma,f16c")]
                fn avx2($($arg: $type),*) {
                    $body($($arg),*);
                }
                match level {
                    // SAFETY: a level above portable exists only after its instructions were detected (see `Level`).
                    $crate::kernels::Level::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: as above.
                    $crate::kernels::Level::Avx2 => return unsafe { avx2($($arg),*) },
                    $crate::kernels::Level::Portable => {}
                }
            }
            let _ = level;
            $body($($arg),*);
        }
    };
}
pub(crate) use versions;
