//! From a command line to a loaded engine.

use super::demonstration;
use super::ensure::{select, shape_of};
use super::error::CatalogueError;
use super::fit::{Fit, LEAST_CONTEXT, Shape, cache_bytes, fit, peak, per_token};
use super::installed::Installed;
use super::landing::quarantine;
use super::list::Catalogue;
use super::memory::Memory;
use super::name::Sha256;
use super::progress::Cancel;
use super::verify::verify;
use crate::config::Global;
use crate::engine::{CacheType, DraftOptions, Engine, Keep, Kernel, LoadError, LoadOptions, Prompt, scripted};
use crate::exit::{self, Exit};

/// `OFFRECORD_ENGINE=scripted` plays a neutral script instead of a model: for tests and demonstrations.
const ENGINE: &str = "OFFRECORD_ENGINE";

/// Bytes of read prompts kept on disk: the fixed ones of a few models.
const KEPT: u64 = 256 << 20;

/// Whether this run plays the script instead of a model.
#[must_use]
pub fn is_scripted() -> bool {
    std::env::var(ENGINE).is_ok_and(|engine| engine == "scripted")
}

/// An engine that plays the demonstration script.
#[must_use]
pub fn scripted_engine() -> Engine {
    scripted::start(demonstration::script())
}

/// Loads the model of this run: the one that `--model` names, else the best installed one that fits. Never opens a
/// connection; [`super::ensure`] installs first where that is wanted.
///
/// # Errors
/// [`crate::exit::Exit`]: 3 not installed, 4 not the file it should be (moved aside), 5 does not fit in memory.
pub async fn open_engine(global: &Global) -> anyhow::Result<Engine> {
    match std::env::var(ENGINE).as_deref() {
        Ok("scripted") => return Ok(scripted_engine()),
        Ok("") | Err(_) => {}
        Ok(other) => anyhow::bail!("{ENGINE}={other}: only `scripted` is known"),
    }
    let global = global.clone();
    tokio::task::spawn_blocking(move || {
        let ready = prepare(&global).map_err(CatalogueError::into_exit)?;
        let keep = keep(&global)?;
        load(&global, &ready, Some(keep))
    })
    .await?
}

/// A model that is whole and fits.
#[derive(Clone)]
pub struct Ready {
    /// The file.
    pub model: Installed,
    /// Its checksum, as verified.
    pub sha256: Sha256,
    /// Tokens of context that the memory allows.
    pub context: usize,
    /// Bytes of key-value cache for it.
    pub cache_bytes: usize,
    /// How keys and values are kept.
    pub cache_type: CacheType,
    /// The model that drafts for it.
    pub draft: Option<DraftOptions>,
}

/// The model of this run, not loaded: for measuring the engine by itself.
///
/// # Errors
/// As [`open_engine`].
pub fn ready_model(global: &Global) -> anyhow::Result<Ready> {
    prepare(global).map_err(CatalogueError::into_exit)
}

/// Everything that can be known before the weights are touched.
fn prepare(global: &Global) -> Result<Ready, CatalogueError> {
    let catalogue = Catalogue::load()?;
    let memory = Memory::now();
    let model = select(global, &catalogue, &memory)?;
    let sha256 = whole(&catalogue, &model)?;
    let cache_type = global.cache_type();
    let shape = shape_of(&catalogue, &model)?.with(cache_type);
    let draft = draft(global, &catalogue, &memory, &model)?;
    let fits = match &draft {
        None => catalogue.check_fit(model.id.as_str(), &shape, &memory, global.ctx_size),
        Some((_, draft)) => fits_beside(&catalogue, (&model, &shape), draft, &memory, global.ctx_size),
    };
    let context = match fits {
        Ok(context) => context,
        Err(CatalogueError::TooLarge { .. }) if global.force_load => match fit(&shape, u64::MAX, global.ctx_size) {
            Fit::Fits { context, .. } => context,
            Fit::TooLarge { .. } => shape.context,
        },
        Err(error) => return Err(error),
    };
    let cache_bytes = usize::try_from(cache_bytes(&shape, context)).unwrap_or(usize::MAX);
    let draft = draft.map(|(model, shape)| DraftOptions {
        path: model.path,
        cache_bytes: usize::try_from(per_token(&shape).saturating_mul(context as u64)).unwrap_or(usize::MAX),
    });
    Ok(Ready { model, sha256, context, cache_bytes, cache_type, draft })
}

/// The checksum of a file that is what it should be.
fn whole(catalogue: &Catalogue, model: &Installed) -> Result<Sha256, CatalogueError> {
    check_size(catalogue, model)?;
    let expected = catalogue.find(model.id.as_str()).and_then(|entry| entry.sha256.clone());
    match &model.sha256 {
        // Hashed before and not changed since: reading a gigabyte at every start would cost the three seconds.
        Some(recorded) if expected.as_ref().is_none_or(|expected| expected == recorded) => Ok(recorded.clone()),
        _ => verify(catalogue, model, &Cancel::default(), |_| ()),
    }
}

/// The draft model that `--draft-model` names, and its shape.
fn draft(
    global: &Global,
    catalogue: &Catalogue,
    memory: &Memory,
    model: &Installed,
) -> Result<Option<(Installed, Shape)>, CatalogueError> {
    let Some(id) = &global.draft_model else { return Ok(None) };
    let draft = select(&Global { model: Some(id.clone()), ..global.clone() }, catalogue, memory)?;
    if draft.size >= model.size {
        let reason =
            format!("it is not smaller than {}, so it cannot draft for it: name another --draft-model", model.id);
        return Err(CatalogueError::Unusable { file: draft.path, reason });
    }
    whole(catalogue, &draft)?;
    let shape = shape_of(catalogue, &draft)?.with(global.cache_type());
    Ok(Some((draft, shape)))
}

/// As [`Catalogue::check_fit`], with a draft model in memory too whose cache is as long.
fn fits_beside(
    catalogue: &Catalogue,
    (model, shape): (&Installed, &Shape),
    draft: &Shape,
    memory: &Memory,
    wanted: usize,
) -> Result<usize, CatalogueError> {
    let id = model.id.as_str();
    let most = if wanted == 0 { 2 * LEAST_CONTEXT } else { wanted };
    let at = |context: usize| catalogue.check_fit(id, shape, &memory.less(peak(draft, context)), context);
    at(most).or_else(|_| at(most.min(LEAST_CONTEXT))).map_err(|error| match error {
        CatalogueError::TooLarge { id, need, .. } => CatalogueError::TooLarge {
            id: format!("{id} with its draft model"),
            need: need.saturating_add(peak(draft, most.min(LEAST_CONTEXT))),
            available: memory.available(),
            advice: "leave --draft-model out, free some memory, or pass --force-load".to_owned(),
        },
        other => other,
    })
}

/// A pinned model of the wrong length is truncated or another file: no need to read it.
fn check_size(catalogue: &Catalogue, model: &Installed) -> Result<(), CatalogueError> {
    let pinned = catalogue.find(model.id.as_str()).filter(|entry| entry.sha256.is_some());
    let Some(entry) = pinned.filter(|entry| entry.size != model.size) else {
        return Ok(());
    };
    let quarantined = quarantine(&model.path, &model.path).ok();
    Err(CatalogueError::Corrupt {
        file: model.path.clone(),
        expected: format!("{} bytes", entry.size),
        found: format!("{} bytes", model.size),
        quarantined,
    })
}

/// What every session reads alike, read once for all starts.
///
/// # Errors
/// Without a data folder.
pub fn keep(global: &Global) -> anyhow::Result<Keep> {
    let prompts = crate::prompts::fixed().into_iter().map(|text| Prompt::system(text).user("")).collect();
    Ok(Keep { folder: global.dirs()?.data.join("cache"), prompts, most_bytes: KEPT })
}

/// The engine of a model that is whole and fits.
///
/// # Errors
/// [`crate::exit::Exit`]: 2 no such kernel, 4 not a usable model, 5 does not fit in memory.
pub fn load(global: &Global, ready: &Ready, keep: Option<Keep>) -> anyhow::Result<Engine> {
    let Ready { model, sha256, context, cache_bytes, cache_type, draft } = ready;
    let kernel = match &global.kernel {
        Some(name) => Some(Kernel::named(name).map_err(|error| Exit::new(exit::USAGE, error.to_string()))?),
        None => None,
    };
    let options = LoadOptions {
        id: model.id.to_string(),
        sha256: sha256.to_string(),
        threads: global.threads,
        kernel,
        context: *context,
        cache_bytes: *cache_bytes,
        cache_type: *cache_type,
        keep,
        draft: draft.clone(),
        force: global.force_load,
        ..LoadOptions::default()
    };
    Engine::load(&model.path, &options).map_err(|error| {
        let code = match &error {
            LoadError::File(_) | LoadError::Draft(_) => exit::VERIFICATION,
            LoadError::Vocabulary(_) => exit::USAGE,
            LoadError::NotEnoughMemory { .. } => exit::RESOURCES,
            LoadError::Template(_) | LoadError::Failed(_) => exit::FAILURE,
        };
        Exit::new(code, format!("{}: {error}", model.path.display()))
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn global(dir: &std::path::Path, model: Option<&str>) -> Global {
        Global { models_dir: Some(dir.to_owned()), model: model.map(str::to_owned), offline: true, ..Global::default() }
    }

    async fn code(global: &Global) -> u8 {
        let Err(error) = open_engine(global).await else { panic!("an engine without a model") };
        error.downcast_ref::<Exit>().unwrap().code
    }

    #[tokio::test]
    async fn exit_codes_tell_missing_from_corrupt_from_too_large() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(code(&global(dir.path(), None)).await, exit::NOT_FOUND);
        assert_eq!(code(&global(dir.path(), Some("no-such-model"))).await, exit::NOT_FOUND);

        let id = "smollm2-135m-instruct-q4_1";
        let path = dir.path().join(format!("{id}.gguf"));
        std::fs::write(&path, "truncated").unwrap();
        assert_eq!(code(&global(dir.path(), Some(id))).await, exit::VERIFICATION);
        assert!(!path.exists() && dir.path().join(format!("{id}.gguf.corrupt")).exists());

        std::fs::write(dir.path().join("mine.gguf"), "not a model").unwrap();
        assert_eq!(code(&global(dir.path(), Some("mine"))).await, exit::VERIFICATION);
    }

    #[tokio::test]
    async fn a_draft_model_must_be_here_smaller_and_of_the_same_vocabulary() {
        use crate::engine::tiny::Tiny;
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, tiny: Tiny| tiny.write(&dir.path().join(format!("{name}.gguf"))).unwrap();
        write("large", Tiny { blocks: 3, context: 8192, ..Tiny::default() });
        write("small", Tiny { blocks: 1, context: 8192, ..Tiny::default() });
        let mut bytes = Tiny { blocks: 1, context: 8192, ..Tiny::default() }.bytes();
        let at = bytes.windows(8).position(|window| window == b"</think>").unwrap();
        bytes[at..at + 8].copy_from_slice(b"</THINK>");
        std::fs::write(dir.path().join("other.gguf"), bytes).unwrap();
        let drafted = |draft: &str| Global { draft_model: Some(draft.into()), ..global(dir.path(), Some("large")) };
        assert!(open_engine(&drafted("small")).await.is_ok());
        let told = |draft: &str| {
            let global = drafted(draft);
            async move {
                let Err(error) = open_engine(&global).await else { panic!("an engine with {:?}", global.draft_model) };
                (error.downcast_ref::<Exit>().unwrap().code, error.to_string())
            }
        };
        assert_eq!(told("none-such").await.0, exit::NOT_FOUND);
        let (code, words) = told("large").await;
        assert!(code == exit::VERIFICATION && words.contains("it is not smaller than large"), "{words}");
        let (code, words) = told("other").await;
        assert!(code == exit::USAGE && words.contains("the draft model has another vocabulary"), "{words}");
        let (code, words) = told("../small").await;
        assert!(code == exit::NOT_FOUND, "{words}");
    }

    #[test]
    fn the_memory_of_a_draft_model_is_counted() {
        let catalogue = Catalogue::load().unwrap();
        let find = |id: &str| Shape::from(catalogue.find(id).unwrap());
        let large = find("qwen2.5-coder-1.5b-instruct-q4_k_m");
        let small = find("qwen2.5-coder-0.5b-instruct-q4_k_m");
        let model = Installed {
            id: "qwen2.5-coder-1.5b-instruct-q4_k_m".parse().unwrap(),
            path: "x.gguf".into(),
            size: large.weights,
            sha256: None,
            source: None,
        };
        let at = |mib: u64, wanted| {
            let memory = Memory { total: mib << 20, machine_available: mib << 20, group_available: None };
            let alone = catalogue.check_fit(model.id.as_str(), &large, &memory, wanted).ok();
            (alone, fits_beside(&catalogue, (&model, &large), &small, &memory, wanted))
        };
        assert!(matches!(at(4096, 0), (Some(16_384), Ok(16_384))));
        assert!(matches!(at(2300, 0), (Some(16_384), Ok(8_192))), "{:?}", at(2300, 0));
        let (alone, beside) = at(2000, 0);
        assert_eq!(alone, Some(8_192));
        let told = beside.unwrap_err().to_string();
        assert!(
            told.contains("with its draft model needs about") && told.contains("leave --draft-model out"),
            "{told}"
        );
        assert!(matches!(at(2200, 4096), (Some(4_096), Ok(4_096))));
    }
}
