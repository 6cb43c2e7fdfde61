//! `offrecord doctor`: what this machine can do, and what to mend. Looks, changes nothing, opens no connection.

mod facts;
mod findings;

use crate::config::Global;
use crate::exit::{self, Exit};

use facts::Facts;
use findings::{Finding, State};

/// Prints the findings, each with a fix.
///
/// # Errors
/// When something must be mended first (exit code 1).
pub async fn run(global: &Global) -> anyhow::Result<()> {
    let facts = Facts::gather(global)?;
    let findings = findings::judge(&facts);
    if global.json {
        println!("{}", serde_json::json!({"version": env!("CARGO_PKG_VERSION"), "findings": findings, "facts": facts}));
    } else {
        print!("{}", shown(&findings));
    }
    let broken = findings.iter().filter(|finding| finding.state == State::Fail).count();
    match broken {
        0 => Ok(()),
        1 => Err(Exit::new(exit::FAILURE, "one thing must be mended first (see above)")),
        n => Err(Exit::new(exit::FAILURE, format!("{n} things must be mended first (see above)"))),
    }
}

/// One line per finding, its fix below it.
fn shown(findings: &[Finding]) -> String {
    findings
        .iter()
        .map(|finding| {
            let mark = match finding.state {
                State::Ok => "ok  ",
                State::Warn => "note",
                State::Fail => "FAIL",
            };
            let fix = finding.fix.as_ref().map_or_else(String::new, |fix| format!("                     -> {fix}\n"));
            format!("{mark}  {:<14} {}\n{fix}", finding.name, finding.detail)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::report::{FitFacts, MemoryFacts, ModelFacts};

    fn big(fits: bool) -> FitFacts {
        FitFacts {
            id: "big".into(),
            weights: 1_117_320_768,
            per_token: 28_672,
            scratch: 62_000_000,
            context: 16_384,
            need: 2_118_000_000,
            fits,
            instead: None,
        }
    }

    #[test]
    fn a_full_data_disk_is_told_before_an_answer_is_lost() {
        let full = Facts { data_free: Some(1_000_000), ..healthy() };
        assert!(findings::judge(&full).iter().any(|f| f.name == "data" && f.state == State::Fail));
    }

    fn healthy() -> Facts {
        Facts {
            cpu: "AMD EPYC".into(),
            cores: 2,
            cpu_features: vec!["avx2", "fma", "avx512vnni"],
            kernels: vec!["avx512-vnni", "avx2", "portable"],
            memory: MemoryFacts {
                total: Some(24_000_000_000),
                available: Some(20_000_000_000),
                limited_by_group: false,
                default_model: Some("big".into()),
                model: Some(big(true)),
            },
            models: ModelFacts {
                installed: vec![("big".into(), 1_100_000_000, true)],
                free_disk: Some(50_000_000_000),
                file_system: Some("ext4".into()),
                writable: true,
            },
            models_dir: "/home/ada/models".into(),
            data_dir: "/home/ada/data".into(),
            data_writable: true,
            data_free: Some(9_000_000_000),
            data_private: Some(true),
            running: None,
            offline: false,
        }
    }

    #[test]
    fn a_healthy_machine_reads_like_this() {
        insta::assert_snapshot!(shown(&findings::judge(&healthy())), @r"
        ok    processor      AMD EPYC, 2 cores, kernel avx512-vnni (others: avx2, portable)
        ok    memory         20.0 GB free of 24.0 GB
        ok    models         1 installed in /home/ada/models: big (1.1 GB)
        ok    fit            big: 1.1 GB of weights, 28.7 MB for 1,000 tokens of context, 62.0 MB beside; 2.1 GB in all with two conversations of 16384 tokens
        ok    disk           50.0 GB free in /home/ada/models (ext4)
        ok    data           /home/ada/data, for this user only
        ok    server         none is running on this data folder
        ok    network        off; only getting a model, when you ask for it, fetches anything
        ");
    }

    #[test]
    fn each_fault_comes_with_a_fix() {
        let sick = Facts {
            cpu_features: vec![],
            kernels: vec!["portable"],
            memory: MemoryFacts {
                total: Some(1_000_000_000),
                available: Some(100_000_000),
                limited_by_group: true,
                default_model: None,
                model: Some(FitFacts { instead: Some("small".into()), ..big(false) }),
            },
            models: ModelFacts {
                installed: vec![],
                free_disk: Some(100_000_000),
                file_system: Some("nfs4".into()),
                writable: false,
            },
            data_writable: false,
            data_private: Some(false),
            running: Some("pid 7, http://127.0.0.1:7447".into()),
            offline: true,
            ..healthy()
        };
        let findings = findings::judge(&sick);
        assert!(findings.iter().filter(|f| f.state != State::Ok).all(|f| f.fix.is_some()), "{findings:?}");
        insta::assert_snapshot!(shown(&findings), @r"
        note  processor      AMD EPYC, 2 cores, kernel portable
                             -> The portable kernel is correct, and slow. Choose a small model, such as smollm2-135m-instruct-q4_1.
        FAIL  memory         100 MB free of 1.0 GB (limited by a control group)
                             -> No model fits. Close other programs, or raise the limit of the container.
        FAIL  models         none installed in /home/ada/models
                             -> Bring a GGUF file and run `offrecord models import FILE`.
        FAIL  fit            big: 1.1 GB of weights, 28.7 MB for 1,000 tokens of context, 62.0 MB beside; 2.1 GB in all with two conversations of 16384 tokens
                             -> Choose small (--model small), close other programs, or pass --force-load.
        FAIL  disk           100 MB free in /home/ada/models (nfs4)
                             -> Nothing can be written there: mend its rights, or pass --models-dir.
        FAIL  data           /home/ada/data cannot be written
                             -> Mend its rights, or pass --data-dir.
        note  server         already running: pid 7, http://127.0.0.1:7447
                             -> Use its last link to get back in, or press Ctrl+C in its terminal before a second start.
        ok    network        off, always (--offline)
        ");
    }
}
