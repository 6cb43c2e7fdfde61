//! What must hold whatever is done to the program: one suite a file under `tests/trust/`, their numbers in `tier.rs`.
#![cfg(target_os = "linux")]

#[path = "server/mod.rs"]
mod server;

#[path = "trust/clock.rs"]
mod clock;
#[path = "trust/disk.rs"]
mod disk;
#[path = "trust/drift.rs"]
mod drift;
#[path = "trust/environment.rs"]
mod environment;
#[path = "trust/files.rs"]
mod files;
#[path = "trust/gone.rs"]
mod gone;
#[path = "trust/load.rs"]
mod load;
#[path = "trust/process.rs"]
mod process;
#[path = "trust/soak.rs"]
mod soak;
#[path = "trust/table.rs"]
mod table;
#[path = "trust/tier.rs"]
mod tier;
