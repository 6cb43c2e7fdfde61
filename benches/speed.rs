//! The kernels alone: weights per second and bytes per second of each kernel, format and number of activations.
//!
//! `cargo bench -p offrecord-engine --bench speed -- [FILTER]`, such as `Q4K.*n=1/`. One thread; the matrix has 192 MiB of
//! weights at 4.5 bits, more than any cache, so that `n=1` shows the memory and larger `n` the arithmetic.
#![expect(missing_docs, reason = "criterion's macros write undocumented functions")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use offrecord_engine::arena::Arena;
use offrecord_engine::kernels::packed::{Packed, pack, packed_bytes};
use offrecord_engine::kernels::{Activations, Format, Kernel, Matrix, Operand, Pool, Product, multiply};

const COLUMNS: usize = 1536;
const ROWS: usize = 232_960;

fn products(criterion: &mut Criterion) {
    let threads = std::env::var("THREADS").map_or(1, |threads| threads.parse().expect("THREADS is a number"));
    let mut pool = Pool::new(threads).expect("threads");
    for format in [Format::Q4K, Format::Q6K, Format::Q5_0, Format::Q8_0, Format::Q4_1, Format::Q2K] {
        let length = format.row_bytes(COLUMNS).expect("fits") * ROWS;
        // Any bytes are weights; halves of a small pattern keep them finite.
        let bytes: Vec<u8> = (0..length).map(|i| (i * 7 % 61) as u8 & 0x2f).collect();
        let matrix = Matrix::new(format, ROWS, COLUMNS, &bytes).expect("fits");
        let mut arena = Arena::new(packed_bytes(format, ROWS, COLUMNS).expect("packs")).expect("memory");
        pack(&mut pool, Kernel::best().level(), &matrix, arena.bytes_mut());
        let packed = Packed::new(format, ROWS, COLUMNS, arena.bytes()).expect("fits");
        for kernel in Kernel::available().into_iter().filter(|kernel| kernel.name() != "portable") {
            let mut group = criterion.benchmark_group(format!("{format:?} {}", kernel.name()));
            group.sample_size(10).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(800));
            for n in [1, 2, 4, 8, 16, 32, 128] {
                let mut input = Activations::default();
                input.fill(&mut pool, kernel, (n, COLUMNS), (&mut [], 0), &|row, values, _| {
                    for (i, value) in values.iter_mut().enumerate() {
                        *value = ((i * 7 + row) as f32 * 0.61).sin();
                    }
                });
                // Fewer rows for many activations: the same work.
                let rows = if n <= 8 { ROWS } else { ROWS / n * 8 / 32 * 32 };
                let part = Packed::new(
                    format,
                    rows,
                    COLUMNS,
                    &arena.bytes()[..packed_bytes(format, rows, COLUMNS).expect("packs")],
                );
                let part = if rows == ROWS { packed } else { part.expect("fits") };
                let mut out = vec![0.0; n * rows];
                group.throughput(Throughput::Bytes(packed_bytes(format, rows, COLUMNS).expect("packs") as u64));
                group.bench_function(BenchmarkId::from_parameter(format!("n={n}")), |bencher| {
                    bencher.iter(|| {
                        let matrix = Operand::Packed(black_box(part));
                        multiply(&mut pool, kernel, &input, &mut [Product { matrix, out: &mut out }]);
                    });
                });
            }
            group.finish();
        }
    }
}

criterion_group!(benches, products);
criterion_main!(benches);
