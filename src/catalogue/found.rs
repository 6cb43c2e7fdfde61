//! Models that other programs have on this machine: the hub's cache, Ollama's store, LM Studio's folders, or any folder.
//! Reads names and sizes only, follows no link out of a store, changes nothing. Manifests and names are a stranger's.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::name::Sha256;

/// Largest manifest that is read; real ones have about one KiB.
const LARGEST_MANIFEST: u64 = 1 << 20;
/// Folders and files looked at in one store.
const MOST_LOOKED_AT: usize = 20_000;
/// Layers of folders in a store.
const DEEPEST: usize = 8;
/// The media type of the layer that holds the weights.
const OLLAMA_MODEL: &str = "application/vnd.ollama.image.model";
/// Ollama's own registry; its models are called by name and tag alone.
const OLLAMA_LIBRARY: [&str; 2] = ["registry.ollama.ai", "library"];

/// Whose store a model lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Store {
    /// The Hugging Face hub's cache.
    Hub,
    /// Ollama's.
    Ollama,
    /// LM Studio's.
    LmStudio,
    /// A folder that was named.
    Folder,
}

/// A model file that another program brought here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// What `models import` takes: `ollama:NAME:TAG`, `hub:ORG/REPO/FILE`, `lm-studio:ORG/REPO/FILE`, or a path.
    pub name: String,
    /// Whose it is.
    pub store: Store,
    /// The file itself; no link.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// The id that it gets if its file's name is none.
    pub suggested: String,
    /// Why it cannot be taken, if that can be seen from outside.
    pub obstacle: Option<String>,
}

/// Where the stores are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stores {
    /// The hub's cache, `.../huggingface/hub`.
    pub hub: Option<PathBuf>,
    /// Folders with `manifests` and `blobs`.
    pub ollama: Vec<PathBuf>,
    /// Folders of `PUBLISHER/REPOSITORY/FILE.gguf`.
    pub lm_studio: Vec<PathBuf>,
}

/// What a look at a store brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// By store and name.
    pub models: Vec<Found>,
    /// What was passed over, and why; one line each.
    pub passed_over: Vec<String>,
}

impl Stores {
    /// The usual places: `HF_HUB_CACHE`, `HF_HOME`, `OLLAMA_MODELS`, and the home folder.
    #[must_use]
    pub fn of_this_machine() -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = std::env::home_dir().filter(|home| home.is_absolute());
        let under = |path: &str| home.as_ref().map(|home| home.join(path));
        let cache = set("XDG_CACHE_HOME").or_else(|| under(".cache"));
        let hub = set("HF_HUB_CACHE")
            .or_else(|| set("HF_HOME").map(|home| home.join("hub")))
            .or_else(|| cache.as_ref().map(|cache| cache.join("huggingface/hub")));
        let ollama = match set("OLLAMA_MODELS") {
            Some(folder) => vec![folder],
            None => {
                under(".ollama/models").into_iter().chain([PathBuf::from("/usr/share/ollama/.ollama/models")]).collect()
            }
        };
        let lm_studio = [under(".lmstudio/models"), cache.map(|cache| cache.join("lm-studio/models"))];
        Self { hub, ollama, lm_studio: lm_studio.into_iter().flatten().collect() }
    }

    /// Looks into all of them.
    #[must_use]
    pub fn look(&self) -> Look {
        let mut look = Look::default();
        if let Some(hub) = &self.hub {
            look_into_hub(hub, &mut look);
        }
        self.ollama.iter().for_each(|folder| look_into_ollama(folder, &mut look));
        self.lm_studio.iter().for_each(|folder| look_into_folder(folder, Store::LmStudio, &mut look));
        look.settle()
    }
}

/// The models of one folder and those below it.
#[must_use]
pub fn folder(folder: &Path) -> Look {
    let mut look = Look::default();
    look_into_folder(folder, Store::Folder, &mut look);
    look.settle()
}

impl Look {
    fn settle(mut self) -> Self {
        self.models.sort_by(|a, b| (a.store, &a.name).cmp(&(b.store, &b.name)));
        // Two tags of one file are one model.
        let mut seen = BTreeSet::new();
        self.models.retain(|model| seen.insert(model.path.clone()));
        self
    }

    fn pass_over(&mut self, path: &Path, why: &str) {
        self.passed_over.push(format!("{}: {why}", path.display().to_string().escape_debug()));
    }

    fn add(&mut self, store: Store, name: String, path: PathBuf, stem: &str) {
        let Ok(metadata) = std::fs::symlink_metadata(&path) else { return self.pass_over(&path, "it is not there") };
        if !metadata.is_file() {
            return self.pass_over(&path, "it is no file");
        }
        let obstacle = obstacle(stem, &path);
        self.models.push(Found { name, store, size: metadata.len(), suggested: id_of(stem), obstacle, path });
    }
}

/// What can be seen without reading the model.
fn obstacle(stem: &str, path: &Path) -> Option<String> {
    if let Some((_, of)) = parts(stem) {
        return Some(format!("it is one of {of} parts of a model: join them first (llama-gguf-split --merge)"));
    }
    if stem.to_ascii_lowercase().starts_with("mmproj") {
        return Some("it is the part of a model that sees pictures".to_owned());
    }
    let mut magic = [0; 4];
    let read = std::fs::File::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut magic));
    match read {
        Err(error) => Some(format!("it cannot be read ({error})")),
        Ok(()) if magic != *b"GGUF" => Some("it is not a GGUF file".to_owned()),
        Ok(()) => None,
    }
}

/// `name-00001-of-00003` as `(1, 3)`.
#[must_use]
pub fn parts(stem: &str) -> Option<(u32, u32)> {
    let (rest, of) = stem.rsplit_once("-of-")?;
    let (_, number) = rest.rsplit_once('-')?;
    let digits = |text: &str| (text.len() == 5).then(|| text.parse::<u32>().ok()).flatten();
    Some((digits(number)?, digits(of)?))
}

/// An id from any name: lower case, everything that an id may not hold as a hyphen.
fn id_of(stem: &str) -> String {
    let mut id = String::new();
    for c in stem.chars().flat_map(char::to_lowercase) {
        let c = if c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_') { c } else { '-' };
        if c != '-' || !id.ends_with('-') {
            id.push(c);
        }
    }
    let id = id.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    id.chars().take(64).collect::<String>().trim_end_matches('-').to_owned()
}

/// Files below a folder: no link is followed, no more than so many are looked at.
fn walk(root: &Path, look: &mut Look, mut visit: impl FnMut(&mut Look, &Path)) {
    let mut left = MOST_LOOKED_AT;
    let mut folders = vec![(root.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let Ok(listing) = std::fs::read_dir(&folder) else { continue };
        let mut entries: Vec<PathBuf> = listing.flatten().map(|entry| entry.path()).take(left).collect();
        entries.sort();
        for path in entries {
            if left == 0 {
                return look.pass_over(root, "it holds more files than are looked at");
            }
            left -= 1;
            match std::fs::symlink_metadata(&path) {
                Ok(metadata) if metadata.is_dir() && depth < DEEPEST => folders.push((path, depth + 1)),
                Ok(metadata) if metadata.is_file() || metadata.is_symlink() => visit(look, &path),
                _ => {}
            }
        }
    }
}

fn is_model(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gguf"))
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn look_into_folder(root: &Path, store: Store, look: &mut Look) {
    walk(root, look, |look, path| {
        if !is_model(path) {
            return;
        }
        if path.is_symlink() {
            return look.pass_over(path, "it is a link");
        }
        let name = match (store, path.strip_prefix(root)) {
            (Store::LmStudio, Ok(below)) => format!("lm-studio:{}", below.display()),
            _ => path.display().to_string(),
        };
        look.add(store, name, path.to_owned(), &stem(path));
    });
}

/// `models--ORG--REPO/snapshots/COMMIT/FILE.gguf`, each a link to `blobs/` of the same repository.
fn look_into_hub(root: &Path, look: &mut Look) {
    walk(root, look, |look, path| {
        let Ok(below) = path.strip_prefix(root) else { return };
        let parts: Vec<String> = below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let [repository, snapshots, _commit, file @ ..] = parts.as_slice() else { return };
        let Some(repository) = repository.strip_prefix("models--").filter(|_| snapshots == "snapshots") else { return };
        if !is_model(path) {
            return;
        }
        let blobs = root.join(&parts[0]).join("blobs");
        // A link may lead to the repository's own blobs and nowhere else.
        let target = match (path.is_symlink(), std::fs::canonicalize(path), std::fs::canonicalize(blobs)) {
            (false, ..) => path.to_owned(),
            (true, Ok(target), Ok(blobs)) if target.starts_with(&blobs) => target,
            _ => return look.pass_over(path, "it is a link that leads out of its repository"),
        };
        let name = format!("hub:{}/{}", repository.replacen("--", "/", 1), file.join("/"));
        look.add(Store::Hub, name, target, &stem(path));
    });
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
struct Layer {
    #[serde(default, rename = "mediaType")]
    media_type: String,
    #[serde(default)]
    digest: String,
    #[serde(default)]
    size: u64,
}

/// `manifests/HOST/NAMESPACE/NAME/TAG` names a blob `blobs/sha256-DIGEST`.
fn look_into_ollama(root: &Path, look: &mut Look) {
    let manifests = root.join("manifests");
    walk(&manifests, look, |look, path| {
        let Ok(below) = path.strip_prefix(&manifests) else { return };
        let parts: Vec<String> = below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let [host, namespace, name, tag] = parts.as_slice() else { return };
        let layer = match manifest(path) {
            Ok(Some(layer)) => layer,
            Ok(None) => return look.pass_over(path, "its manifest names no model"),
            Err(why) => return look.pass_over(path, &why),
        };
        // Only a digest can name a blob: nothing that holds a path.
        let Some(digest) = layer.digest.strip_prefix("sha256:").and_then(|digest| digest.parse::<Sha256>().ok()) else {
            return look.pass_over(path, "its manifest names something that is no digest");
        };
        let blob = root.join("blobs").join(format!("sha256-{digest}"));
        match std::fs::symlink_metadata(&blob) {
            Ok(metadata) if metadata.is_file() && metadata.len() == layer.size => {}
            Ok(metadata) if metadata.is_file() => return look.pass_over(path, "its file has not arrived whole"),
            _ => return look.pass_over(path, "its file is not there"),
        }
        let plain = [host.as_str(), namespace.as_str()] == OLLAMA_LIBRARY;
        let full = if plain { format!("{name}:{tag}") } else { format!("{host}/{namespace}/{name}:{tag}") };
        look.add(Store::Ollama, format!("ollama:{full}"), blob, &format!("{name}-{tag}"));
    });
}

/// The layer of a manifest that holds the weights.
fn manifest(path: &Path) -> Result<Option<Layer>, String> {
    let metadata = std::fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("its manifest is a link".to_owned());
    }
    if metadata.len() > LARGEST_MANIFEST {
        return Err("its manifest is too large to be one".to_owned());
    }
    let text = std::fs::read(path).map_err(|error| error.to_string())?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|_| "its manifest cannot be read".to_owned())?;
    Ok(manifest.layers.into_iter().find(|layer| layer.media_type == OLLAMA_MODEL))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn write(path: &Path, bytes: &[u8]) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn names(look: &Look) -> Vec<(&str, &str)> {
        look.models.iter().map(|m| (m.name.as_str(), m.suggested.as_str())).collect()
    }

    #[test]
    fn ollama_s_names_lead_to_its_blobs() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let digest = "ab".repeat(32);
        write(&root.join(format!("blobs/sha256-{digest}")), b"GGUFmodel");
        let manifest = |digest: &str, size: u64| {
            serde_json::json!({"schemaVersion": 2, "layers": [
                {"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:00", "size": 3},
                {"mediaType": OLLAMA_MODEL, "digest": digest, "size": size}]})
            .to_string()
        };
        let put = |name: &str, text: &str| write(&root.join("manifests").join(name), text.as_bytes());
        put("registry.ollama.ai/library/llama3.2/1b", &manifest(&format!("sha256:{digest}"), 9));
        put("hf.co/org/Repo-GGUF/Q4_K_M", &manifest(&format!("sha256:{digest}"), 9));
        let stores = Stores { ollama: vec![root.to_owned()], ..Stores::default() };
        let look = stores.look();
        assert_eq!(names(&look), [("ollama:hf.co/org/Repo-GGUF:Q4_K_M", "repo-gguf-q4_k_m")], "two names of one file");
        std::fs::remove_dir_all(root.join("manifests/hf.co")).unwrap();
        let look = stores.look();
        assert_eq!(names(&look), [("ollama:llama3.2:1b", "llama3.2-1b")]);
        assert_eq!((look.models[0].size, &look.models[0].obstacle), (9, &None));
        assert_eq!(look.passed_over, Vec::<String>::new());
    }

    #[test]
    fn hostile_manifests_lead_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let (root, secret) = (dir.path().join("store"), dir.path().join("secret.gguf"));
        write(&secret, b"GGUFsecret");
        std::fs::create_dir_all(root.join("blobs")).unwrap();
        let linked = "cd".repeat(32);
        symlink(&secret, root.join(format!("blobs/sha256-{linked}"))).unwrap();
        let short = "ef".repeat(32);
        write(&root.join(format!("blobs/sha256-{short}")), b"GGUF");
        let model = |digest: &str| {
            serde_json::json!({"layers": [{"mediaType": OLLAMA_MODEL, "digest": digest, "size": 10}]}).to_string()
        };
        let manifests = root.join("manifests/registry.ollama.ai/library");
        for (name, text) in [
            ("dots/a", model("sha256:../../../secret.gguf")),
            ("dots/b", model("../../secret.gguf")),
            ("dots/c", model(&format!("sha256-{linked}"))),
            ("linked/a", model(&format!("sha256:{linked}"))),
            ("short/a", model(&format!("sha256:{short}"))),
            ("gone/a", model(&format!("sha256:{}", "00".repeat(32)))),
            ("upper/a", model(&format!("sha256:{}", "AB".repeat(32)))),
            ("broken/a", "{\"layers\": [".to_owned()),
            ("list/a", "[]".to_owned()),
            ("deep/a", "[".repeat(200_000)),
            ("none/a", "{}".to_owned()),
            ("huge/a", format!("{{\"layers\": [], \"pad\": \"{}\"}}", "x".repeat(2 << 20))),
        ] {
            write(&manifests.join(name), text.as_bytes());
        }
        symlink(&secret, manifests.join("dots/d")).unwrap();
        symlink("/", manifests.join("root")).unwrap();
        symlink(&manifests, manifests.join("again")).unwrap();
        let look = Stores { ollama: vec![root], ..Stores::default() }.look();
        assert_eq!(names(&look), []);
        assert_eq!(look.passed_over.len(), 13, "{:#?}", look.passed_over);
        let said = |what: &str| look.passed_over.iter().filter(|line| line.ends_with(what)).count();
        assert_eq!(said("no digest"), 4);
        assert_eq!(
            (said("arrived whole"), said("not there"), said("is a link"), said("too large to be one")),
            (1, 2, 1, 1)
        );
        assert_eq!((said("cannot be read"), said("names no model")), (2, 2));
    }

    #[test]
    fn the_hub_s_links_lead_to_its_own_blobs_only() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("hub");
        let repo = root.join("models--org--Some-GGUF");
        let snapshot = repo.join("snapshots/0123456789012345678901234567890123456789");
        write(&repo.join("blobs/abc"), b"GGUFmodel");
        write(&dir.path().join("secret"), b"GGUFsecret");
        std::fs::create_dir_all(snapshot.join("sub")).unwrap();
        symlink("../../blobs/abc", snapshot.join("Some-Q8_0.gguf")).unwrap();
        symlink(dir.path().join("secret"), snapshot.join("evil.gguf")).unwrap();
        symlink("../../../../../secret", snapshot.join("sub/evil.gguf")).unwrap();
        write(&snapshot.join("README.md"), b"x");
        write(&root.join("datasets--org--d/snapshots/x/data.gguf"), b"GGUF");
        let look = Stores { hub: Some(root), ..Stores::default() }.look();
        assert_eq!(names(&look), [("hub:org/Some-GGUF/Some-Q8_0.gguf", "some-q8_0")]);
        assert!(look.models[0].path.ends_with("blobs/abc"));
        assert_eq!(look.passed_over.len(), 2, "{:?}", look.passed_over);
    }

    #[test]
    fn a_folder_is_looked_through_and_what_cannot_be_taken_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        write(&root.join("org/repo/Model One.Q4_K_M.GGUF"), b"GGUFmodel");
        write(&root.join("org/repo/mmproj-model.gguf"), b"GGUF");
        write(&root.join("org/repo/big-00001-of-00003.gguf"), b"GGUF");
        write(&root.join("org/repo/web.gguf"), b"<html>");
        write(&root.join("org/repo/empty.gguf"), b"");
        symlink("/etc/passwd", root.join("org/link.gguf")).unwrap();
        let look = Stores { lm_studio: vec![root.to_owned()], ..Stores::default() }.look();
        let lines: Vec<String> = look
            .models
            .iter()
            .map(|m| format!("{} -> {} {}", m.name, m.suggested, m.obstacle.as_deref().unwrap_or("ok")))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        lm-studio:org/repo/Model One.Q4_K_M.GGUF -> model-one.q4_k_m ok
        lm-studio:org/repo/big-00001-of-00003.gguf -> big-00001-of-00003 it is one of 3 parts of a model: join them first (llama-gguf-split --merge)
        lm-studio:org/repo/empty.gguf -> empty it cannot be read (failed to fill whole buffer)
        lm-studio:org/repo/mmproj-model.gguf -> mmproj-model it is the part of a model that sees pictures
        lm-studio:org/repo/web.gguf -> web it is not a GGUF file
        ");
        assert_eq!(look.passed_over.len(), 1);
        assert_eq!(folder(&root.join("missing")), Look::default());
        assert_eq!(folder(root).models.len(), 5);
    }

    #[test]
    fn any_name_becomes_an_id_or_nothing() {
        for (name, id) in [
            ("Llama-3.2-1B-Instruct.Q4_K_M", "llama-3.2-1b-instruct.q4_k_m"),
            ("../../etc/passwd", "etc-passwd"),
            ("  Ünï Côde ", "n-c-de"),
            ("...", ""),
            ("模型", ""),
        ] {
            assert_eq!(id_of(name), id, "{name}");
            assert!(id.is_empty() || id.parse::<super::super::name::ModelId>().is_ok(), "{id}");
        }
        assert_eq!(parts("m-00002-of-00003"), Some((2, 3)));
        assert_eq!((parts("m-2-of-3"), parts("one-of-many"), parts("")), (None, None, None));
    }
}
