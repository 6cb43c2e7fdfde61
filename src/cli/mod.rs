//! The command line: one file per verb, exit codes as in `docs/reference.md`. Data to stdout, talk to stderr.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Global;
use crate::exit::{self, Exit};

pub mod bench;
pub mod bundle;
pub mod doctor;
pub mod generate;
pub mod grade;
pub mod install;
pub mod lint;
pub mod models;
pub mod passphrase;
pub mod pull_display;
pub mod room;
pub mod run;
pub mod serve;
pub mod servers;
pub mod session;
pub mod terminal;

/// Practise senior engineering interviews off the record.
#[derive(Parser, Debug)]
#[command(name = "offrecord", version, about, arg_required_else_help = false)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Serve the interview room on this machine and open it in the browser.
    Serve(serve::Args),
    /// Hold an interview in this terminal.
    Run(run::Args),
    /// Models: list, pull, import, show, verify, rm.
    #[command(subcommand)]
    Models(models::Verb),
    /// The same as `models list`.
    List(models::ListArgs),
    /// The same as `models pull`.
    Pull(models::PullArgs),
    /// The same as `models show`.
    Show(models::IdArgs),
    /// The same as `models rm`.
    Rm(models::IdArgs),
    /// Sessions: list, show, resume, export, rm, wipe, repair, encrypt, decrypt, passphrase.
    #[command(subcommand)]
    Session(session::Verb),
    /// Grade a transcript file.
    Grade(grade::Args),
    /// Measure: grading, speed, interviewer, compare.
    #[command(subcommand)]
    Bench(bench::Verb),
    /// Write a kit for machines without a network: program, model, checksums, licences, start script.
    Bundle(bundle::Args),
    /// Check this machine: processor, memory, models, folders, network.
    Doctor,
    /// Check content files (problems, competencies, rubric) as the program's own tests do.
    Lint(lint::Args),
    /// Texts for packages: man pages, completions, notices.
    #[command(subcommand, hide = true)]
    Generate(generate::Verb),
}

/// Parses the command line, runs the verb, and maps the result to an exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(dispatch(cli));
            // A model that is being read or a file that is being hashed must not hold up the end.
            runtime.shutdown_timeout(std::time::Duration::from_millis(500));
            result
        }
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("offrecord: {error:#}");
            ExitCode::from(error.downcast_ref::<Exit>().map_or(exit::FAILURE, |e| e.code))
        }
    }
}

async fn dispatch(cli: Cli) -> anyhow::Result<()> {
    let global = cli.global;
    match cli.verb {
        None => serve::run(&global, serve::Args::of_environment()?).await,
        Some(Verb::Serve(args)) => serve::run(&global, args).await,
        Some(Verb::Run(args)) => run::run(&global, args).await,
        Some(Verb::Models(verb)) => models::run(&global, verb).await,
        Some(Verb::List(args)) => models::run(&global, models::Verb::List(args)).await,
        Some(Verb::Pull(args)) => models::run(&global, models::Verb::Pull(args)).await,
        Some(Verb::Show(args)) => models::run(&global, models::Verb::Show(args)).await,
        Some(Verb::Rm(args)) => models::run(&global, models::Verb::Rm(args)).await,
        Some(Verb::Session(verb)) => session::run(&global, verb).await,
        Some(Verb::Grade(args)) => grade::run(&global, args).await,
        Some(Verb::Bench(verb)) => bench::run(&global, verb).await,
        Some(Verb::Bundle(args)) => bundle::run(&global, args).await,
        Some(Verb::Doctor) => doctor::run(&global).await,
        Some(Verb::Lint(args)) => lint::run(&args),
        Some(Verb::Generate(verb)) => generate::run(&verb),
    }
}
