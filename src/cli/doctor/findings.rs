//! What the facts mean, and what to do about it. Pure.

use serde::Serialize;

use super::facts::Facts;
use crate::catalogue::human;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// Nothing to do.
    Ok,
    /// Works, could be better.
    Warn,
    /// Must be mended first.
    Fail,
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) name: &'static str,
    pub(super) state: State,
    pub(super) detail: String,
    pub(super) fix: Option<String>,
}

/// A disk with less than this cannot take the default model.
const ROOM_FOR_A_MODEL: u64 = 1_200_000_000;

/// A disk with less than this will soon refuse an answer.
const ROOM_FOR_SESSIONS: u64 = 50_000_000;

/// All findings, in the order in which they matter.
pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    vec![
        processor(facts),
        memory(facts),
        models(facts),
        fit(facts),
        disk(facts),
        data(facts),
        server(facts),
        network(facts),
    ]
}

fn ok(name: &'static str, detail: String) -> Finding {
    Finding { name, state: State::Ok, detail, fix: None }
}

fn warn(name: &'static str, detail: String, fix: impl Into<String>) -> Finding {
    Finding { name, state: State::Warn, detail, fix: Some(fix.into()) }
}

fn fail(name: &'static str, detail: String, fix: impl Into<String>) -> Finding {
    Finding { name, state: State::Fail, detail, fix: Some(fix.into()) }
}

fn processor(facts: &Facts) -> Finding {
    let cores = if facts.cores == 1 { "1 core".to_owned() } else { format!("{} cores", facts.cores) };
    let Some((best, others)) = facts.kernels.split_first() else {
        return ok("processor", format!("{}, {cores}", facts.cpu));
    };
    let detail = format!("{}, {cores}, kernel {best}", facts.cpu);
    if others.is_empty() {
        let fix = "The portable kernel is correct, and slow. Choose a small model, such as smollm2-135m-instruct-q4_1.";
        return warn("processor", detail, fix);
    }
    ok("processor", format!("{detail} (others: {})", others.join(", ")))
}

fn memory(facts: &Facts) -> Finding {
    let memory = &facts.memory;
    let (Some(total), Some(available)) = (memory.total, memory.available) else {
        return ok("memory", "this system does not tell".into());
    };
    let limit = if memory.limited_by_group { " (limited by a control group)" } else { "" };
    let detail = format!("{} free of {}{limit}", human(available), human(total));
    match &memory.default_model {
        Some(_) => ok("memory", detail),
        None => fail("memory", detail, "No model fits. Close other programs, or raise the limit of the container."),
    }
}

fn models(facts: &Facts) -> Finding {
    let (installed, folder) = (&facts.models.installed, facts.models_dir.display());
    if installed.is_empty() {
        let id = facts.memory.default_model.as_deref().unwrap_or("smollm2-135m-instruct-q4_1");
        let fix = if facts.offline {
            "Bring a GGUF file and run `offrecord models import FILE`.".to_owned()
        } else {
            format!("Run `offrecord pull {id}`.")
        };
        return fail("models", format!("none installed in {folder}"), fix);
    }
    let list: Vec<String> = installed.iter().map(|(id, size, _)| format!("{id} ({})", human(*size))).collect();
    let detail = format!("{} installed in {folder}: {}", installed.len(), list.join(", "));
    match installed.iter().find(|(_, _, verified)| !verified) {
        Some((id, ..)) => {
            warn("models", detail, format!("Run `offrecord models verify {id}`: its checksum is not on record."))
        }
        None => ok("models", detail),
    }
}

/// What the model takes, and whether it is there to be taken.
fn fit(facts: &Facts) -> Finding {
    let Some(model) = &facts.memory.model else {
        return ok("fit", "no model is installed".into());
    };
    let detail = format!(
        "{}: {} of weights, {} for 1,000 tokens of context, {} beside; {} in all with two conversations of {} tokens",
        model.id,
        human(model.weights),
        human(model.per_token.saturating_mul(1000)),
        human(model.scratch),
        human(model.need),
        model.context
    );
    if model.fits {
        return ok("fit", detail);
    }
    let instead = match &model.instead {
        Some(id) => format!("Choose {id} (--model {id}), close other programs, or pass --force-load."),
        None => "Close other programs, or pass --force-load to try all the same.".to_owned(),
    };
    fail("fit", detail, instead)
}

fn disk(facts: &Facts) -> Finding {
    let models = &facts.models;
    let folder = facts.models_dir.display();
    let kind = models.file_system.as_ref().map_or_else(String::new, |kind| format!(" ({kind})"));
    let detail = match models.free_disk {
        Some(free) => format!("{} free in {folder}{kind}", human(free)),
        None => format!("{folder}{kind}"),
    };
    if !models.writable {
        return fail("disk", detail, "Nothing can be written there: mend its rights, or pass --models-dir.");
    }
    if models.installed.is_empty() && models.free_disk.is_some_and(|free| free < ROOM_FOR_A_MODEL) {
        return fail("disk", detail, "Make room, or pass --models-dir.");
    }
    if models
        .file_system
        .as_deref()
        .is_some_and(|kind| kind.starts_with("nfs") || kind.contains("smb") || kind == "cifs")
    {
        return warn("disk", detail, "A model is read faster from a local disk: pass --models-dir.");
    }
    ok("disk", detail)
}

fn data(facts: &Facts) -> Finding {
    let folder = facts.data_dir.display();
    if !facts.data_writable {
        return fail("data", format!("{folder} cannot be written"), "Mend its rights, or pass --data-dir.");
    }
    if let Some(free) = facts.data_free.filter(|free| *free < ROOM_FOR_SESSIONS) {
        let detail = format!("{folder} has {} left", human(free));
        return fail("data", detail, "Make room, or pass --data-dir: an answer that cannot be written is not taken.");
    }
    match facts.data_private {
        Some(false) => warn("data", format!("{folder} can be read by others"), format!("Run `chmod 700 {folder}`.")),
        Some(true) => ok("data", format!("{folder}, for this user only")),
        None => ok("data", format!("{folder} (made at the first start)")),
    }
}

fn server(facts: &Facts) -> Finding {
    match &facts.running {
        Some(holder) => {
            let fix = "Use its last link to get back in, or press Ctrl+C in its terminal before a second start.";
            warn("server", format!("already running: {holder}"), fix)
        }
        None => ok("server", "none is running on this data folder".into()),
    }
}

fn network(facts: &Facts) -> Finding {
    if facts.offline {
        return ok("network", "off, always (--offline)".into());
    }
    ok("network", "off; only getting a model, when you ask for it, fetches anything".into())
}
