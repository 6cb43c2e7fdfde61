//! The memory that a model is said to take is what it takes: the peak of a process of its own, within a tenth.

use std::process::Command;

use serde_json::Value;

fn offrecord(args: &[&str]) -> Vec<Value> {
    let run = Command::new(env!("CARGO_BIN_EXE_offrecord"))
        .args(["--json", "--offline"])
        .args(args)
        .output()
        .expect("it runs");
    assert!(run.status.success(), "{args:?}: {} (run tests/install-models.sh)", String::from_utf8_lossy(&run.stderr));
    serde_json::Deserializer::from_slice(&run.stdout).into_iter().map(|value| value.expect("JSON")).collect()
}

#[test]
fn the_estimate_is_within_a_tenth_of_the_peak() {
    for model in
        ["smollm2-135m-instruct-q4_1", "qwen2.5-coder-0.5b-instruct-q4_k_m", "qwen2.5-coder-1.5b-instruct-q4_k_m"]
    {
        // Both ways to keep keys and values; the second where a cache is large beside the weights.
        for kv in if model.contains("1.5b") { &["f16"][..] } else { &["f16", "q8"] } {
            let said = offrecord(&["models", "show", model, "--kv", kv]);
            // The largest reads least: reading is what takes time.
            let most = if model.contains("1.5b") { 512 } else { 2048 };
            for tokens in [512, 2048].into_iter().filter(|tokens| *tokens <= most) {
                let length = tokens.to_string();
                let rows = offrecord(&[
                    "bench", "speed", "--model", model, "-p", &length, "-n", "0", "-d", "0", "-r", "1", "--forks", "1",
                    "--kv", kv,
                ]);
                let measured = rows.iter().filter_map(|row| row["peak_rss_bytes"].as_u64()).max().expect("a peak");
                let estimated = said[0]["memory"]["peak"][&length].as_u64().expect("an estimate");
                let apart = (estimated as f64 / measured as f64 - 1.0) * 100.0;
                println!("{model}, {kv}, {tokens} tokens: estimated {estimated}, measured {measured}, {apart:+.1} %");
                assert!(
                    apart.abs() <= 10.0,
                    "{model}, {kv}, {tokens} tokens: estimated {estimated}, measured {measured}, {apart:+.1} %"
                );
            }
        }
    }
}
