//! How fast detection and anonymizing are, in bytes a second.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pii::{Anonymizer, Engine, Options, PlaceholderKey};

const LETTER: &str = include_str!("../../../examples/discharge-letter.txt");
const PROSE: &str = "The weather was mild that week, and most of the work in the garden could be done before noon. \
    Nobody had expected the old wall to hold, yet it stood there as it always had, covered in moss. ";

fn bench(criterion: &mut Criterion) {
    let Ok(engine) = Engine::standard() else { return };
    let prose = PROSE.repeat(6);
    let mut group = criterion.benchmark_group("detect");
    for (name, text) in [("letter", LETTER), ("prose", prose.as_str())] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| engine.detect(black_box(text), &Options::default()))
        });
    }
    group.finish();
    let anonymizer = Anonymizer::new(&engine, Options::default());
    let key = PlaceholderKey::new([7; 32]);
    let mut group = criterion.benchmark_group("anonymize");
    group.throughput(Throughput::Bytes(LETTER.len() as u64));
    group.bench_function("letter", |bencher| {
        bencher.iter(|| anonymizer.anonymize(&key, black_box(LETTER)).is_ok())
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
