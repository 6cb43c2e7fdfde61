//! Models in several files, as `llama-gguf-split` writes them: `NAME-00001-of-00003.gguf` and so on, the metadata in the
//! first, the tensors in all.

use std::path::PathBuf;

use super::parse::{Header, Value};
use super::{Error, File};

/// Most files of one model.
const MOST: u64 = 512;

/// The other files of the model that `first` begins; none for a model in one file.
pub(super) fn others(first: &File) -> Result<Vec<PathBuf>, Error> {
    let count = match first.unsigned("split.count") {
        None | Some(0 | 1) => return Ok(Vec::new()),
        Some(count) if count > MOST => {
            return Err(Error::corrupt("split", format!("{count} parts, at most {MOST}")));
        }
        Some(count) => count as usize,
    };
    match first.unsigned("split.no") {
        Some(0) => {}
        Some(part) if (part as usize) < count => return Err(Error::NotFirst { part: part as usize + 1, count }),
        other => return Err(Error::corrupt("split", format!("part {other:?} of {count}"))),
    }
    let name = first.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let ending = format!("-00001-of-{count:05}.gguf");
    let Some(stem) = name.strip_suffix(&ending) else {
        return Err(Error::corrupt("split", format!("the first of {count} parts must be called NAME{ending}")));
    };
    (2..=count)
        .map(|part| {
            let path = first.path().with_file_name(format!("{stem}-{part:05}-of-{count:05}.gguf"));
            if path.exists() { Ok(path) } else { Err(Error::MissingPart { path, part, count }) }
        })
        .collect()
}

/// Whether `header` is that of the file number `part` (from 0) of the same model.
pub(super) fn follows(first: &File, header: &Header, part: usize) -> Result<(), Error> {
    let number = |key: &str| match header.metadata.get(key) {
        Some(Value::Unsigned(value)) => Some(*value),
        Some(Value::Signed(value)) => u64::try_from(*value).ok(),
        _ => None,
    };
    let (no, count) = (number("split.no"), number("split.count"));
    if (no, count) != (Some(part as u64), first.unsigned("split.count")) {
        let detail = format!("the file in the place of part {} says that it is {no:?} of {count:?}", part + 1);
        return Err(Error::corrupt("split", detail));
    }
    Ok(())
}

/// Whether all tensors came together.
pub(super) fn check(file: &File) -> Result<(), Error> {
    match file.unsigned("split.tensors.count") {
        Some(wanted) if file.parts() > 1 && wanted != file.tensors().len() as u64 => {
            let detail = format!("{} tensors in all parts, the first promises {wanted}", file.tensors().len());
            Err(Error::corrupt("split", detail))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::model::{Chunk, LoadOptions, Output, Want, load};
    use crate::tiny::Tiny;

    fn write(folder: &Path, count: usize) -> Vec<PathBuf> {
        let parts = Tiny::default().parts(count);
        let path = |part: usize| folder.join(format!("tiny-{:05}-of-{count:05}.gguf", part + 1));
        for (part, bytes) in parts.iter().enumerate() {
            std::fs::write(path(part), bytes).expect("writable");
        }
        (0..count).map(path).collect()
    }

    fn logits(file: File) -> Vec<f32> {
        let options = LoadOptions { threads: 1, cache_bytes: 1 << 20, ..LoadOptions::default() };
        let mut model = load(Arc::new(file), &options).expect("loads");
        let sequence = model.create().expect("room");
        let mut output = Output::default();
        model.forward(&[Chunk { sequence, tokens: &[1, 2, 3], want: Want::Last }], &mut output).expect("computes");
        output.logits
    }

    #[test]
    fn a_model_in_parts_is_the_model_in_one_file() {
        let dir = tempfile::tempdir().expect("a folder");
        for count in [1, 2, 5] {
            let paths = write(dir.path(), count);
            let file = File::open(&paths[0]).expect("whole");
            assert_eq!((file.parts(), file.tensors().len()), (count, Tiny::default().file().tensors().len()));
            assert_eq!(logits(file), logits(Tiny::default().file()));
        }
    }

    #[test]
    fn what_is_wrong_with_the_parts_is_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let paths = write(dir.path(), 3);
        let fails = || File::open(&paths[0]).expect_err("not whole").to_string();
        let second = File::open(&paths[1]).expect_err("not the first").to_string();
        insta::assert_snapshot!(second, @"this is part 2 of 3 of a model (name the first, …-00001-of-00003.gguf, instead)");
        std::fs::rename(&paths[1], dir.path().join("aside")).expect("moved");
        let missing = fails().replace(&dir.path().display().to_string(), "FOLDER");
        insta::assert_snapshot!(missing, @"part 2 of 3 of this model is missing: FOLDER/tiny-00002-of-00003.gguf (put all parts into one folder)");
        std::fs::copy(&paths[2], &paths[1]).expect("copied");
        assert!(fails().contains("(split): the file in the place of part 2 says that it is Some(2) of Some(3)"));
        std::fs::write(&paths[1], Tiny::default().parts(2).remove(1)).expect("writable");
        assert!(fails().contains("(split)"));
        std::fs::write(&paths[1], b"GGUF").expect("writable");
        assert!(fails().contains("damaged"));
        std::fs::rename(&paths[0], dir.path().join("renamed.gguf")).expect("moved");
        let error = File::open(&dir.path().join("renamed.gguf")).expect_err("renamed").to_string();
        assert!(error.contains("must be called NAME-00001-of-00003.gguf"), "{error}");
    }
}
