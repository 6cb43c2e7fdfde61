//! CTranslate2's format: what is right is read, what is hostile is refused before memory is taken for it.

#[path = "../../../tests/trust/tier.rs"]
mod tier;

use offrecord_speech::Checkpoint;
use offrecord_speech::checkpoint::ctranslate;

/// A variable as it lies in a file.
#[derive(Clone)]
struct Variable {
    name: Vec<u8>,
    shape: Vec<u32>,
    kind: u8,
    length: Option<u32>,
    data: Vec<u8>,
}

#[derive(Clone)]
struct File {
    version: u32,
    specification: &'static [u8],
    count: Option<u32>,
    variables: Vec<Variable>,
    aliases: Vec<(&'static [u8], &'static [u8])>,
    alias_count: Option<u32>,
    after: Vec<u8>,
}

fn string(out: &mut Vec<u8>, text: &[u8]) {
    out.extend((text.len() as u16).to_le_bytes());
    out.extend(text);
}

impl File {
    fn bytes(&self) -> Vec<u8> {
        let mut out = self.version.to_le_bytes().to_vec();
        string(&mut out, self.specification);
        out.extend(3_u32.to_le_bytes());
        out.extend(self.count.unwrap_or(self.variables.len() as u32).to_le_bytes());
        for variable in &self.variables {
            string(&mut out, &variable.name);
            out.push(variable.shape.len() as u8);
            out.extend(variable.shape.iter().flat_map(|n| n.to_le_bytes()));
            out.push(variable.kind);
            out.extend(variable.length.unwrap_or(variable.data.len() as u32).to_le_bytes());
            out.extend(&variable.data);
        }
        out.extend(self.alias_count.unwrap_or(self.aliases.len() as u32).to_le_bytes());
        for (alias, name) in &self.aliases {
            string(&mut out, alias);
            string(&mut out, name);
        }
        out.extend(&self.after);
        out
    }
}

fn good() -> File {
    let floats = |values: &[f32]| values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    File {
        version: 6,
        specification: b"WhisperSpec\0",
        count: None,
        variables: vec![
            Variable {
                name: b"a/weight\0".to_vec(),
                shape: vec![2, 3],
                kind: 0,
                length: None,
                data: floats(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            },
            Variable {
                name: b"a/half\0".to_vec(),
                shape: vec![2],
                kind: 4,
                length: None,
                data: vec![0x00, 0x3c, 0x00, 0xc0],
            },
            Variable { name: b"heads\0".to_vec(), shape: vec![], kind: 2, length: None, data: vec![6, 0] },
        ],
        aliases: vec![(b"b/weight\0", b"a/weight\0")],
        alias_count: None,
        after: Vec::new(),
    }
}

#[test]
fn variables_and_aliases_are_read_as_tensors() {
    let tensors = ctranslate::read(&good().bytes()).expect("a file");
    assert_eq!(tensors.keys().map(String::as_str).collect::<Vec<_>>(), ["a/half", "a/weight", "b/weight", "heads"]);
    assert_eq!(tensors["b/weight"].to_vec2::<f32>().expect("floats"), [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let half = tensors["a/half"].to_dtype(candle_core::DType::F32).and_then(|half| half.to_vec1::<f32>());
    assert_eq!(half.expect("halves"), [1.0, -2.0]);
    assert_eq!(tensors["heads"].to_scalar::<i16>().expect("a number"), 6);
}

#[test]
fn hostile_files_are_refused() {
    let cases: Vec<(&str, File)> = vec![
        ("version", File { version: 5, ..good() }),
        ("not a WhisperSpec", File { specification: b"TransformerSpec\0", ..good() }),
        ("without its end", File { specification: b"WhisperSpec", ..good() }),
        ("without its end", File { specification: b"Whisper\0Spec\0", ..good() }),
        ("a name of 0 bytes", File { specification: b"", ..good() }),
        ("no text", {
            let mut f = good();
            f.variables[0].name = vec![0xff, 0xfe, 0];
            f
        }),
        ("variables", File { count: Some(u32::MAX), ..good() }),
        ("a name of 0 bytes", File { count: Some(4), aliases: Vec::new(), ..good() }),
        ("there twice", {
            let mut f = good();
            f.variables.push(f.variables[0].clone());
            f
        }),
        ("200 dimensions", {
            let mut f = good();
            f.variables[0].shape = vec![1; 200];
            f
        }),
        ("overflows", {
            let mut f = good();
            f.variables[0].shape = vec![u32::MAX; 3];
            f
        }),
        ("bytes for", {
            let mut f = good();
            f.variables[0].shape = vec![u32::MAX, 2];
            f
        }),
        ("the type 6", {
            let mut f = good();
            f.variables[0].kind = 6;
            f
        }),
        ("the type 255", {
            let mut f = good();
            f.variables[0].kind = 255;
            f
        }),
        ("bytes for", {
            let mut f = good();
            f.variables[0].length = Some(20);
            f
        }),
        ("bytes for", {
            let mut f = good();
            f.variables[0].length = Some(u32::MAX);
            f
        }),
        ("ends within", {
            let mut f = good();
            f.variables[2].shape = vec![1 << 28];
            f.variables[2].kind = 1;
            f.variables[2].length = Some(1 << 28);
            f
        }),
        ("aliases", File { alias_count: Some(u32::MAX), ..good() }),
        ("which is missing", File { aliases: vec![(b"b\0", b"c\0")], ..good() }),
        ("there twice", File { aliases: vec![(b"heads\0", b"a/weight\0")], ..good() }),
        ("after the end", File { after: vec![0; 7], ..good() }),
    ];
    let tried = cases.len();
    for (wanted, file) in cases {
        let error = ctranslate::read(&file.bytes()).expect_err(wanted).to_string();
        assert!(error.contains(wanted), "{wanted}: {error}");
    }
    tier::tried("T21", "hostile files in place of a model that listens", tried);
}

#[test]
fn no_cut_and_no_changed_byte_make_it_panic() {
    let bytes = good().bytes();
    for end in 0..bytes.len() {
        assert!(ctranslate::read(&bytes[..end]).is_err(), "cut at {end}");
    }
    for at in 0..bytes.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bytes = bytes.clone();
            bytes[at] = value;
            let _ = Checkpoint::read(&bytes);
        }
    }
    tier::tried("T21", "models that listen, cut and changed at every byte", 6 * bytes.len());
}

#[test]
fn a_whole_file_that_is_no_whisper_is_no_model() {
    let checkpoint = Checkpoint::read(&good().bytes()).expect("tensors");
    assert_eq!(checkpoint.shape("model.encoder.conv1.weight"), None);
    let settings = offrecord_speech::Settings { threads: 1, kernel: None };
    let error = offrecord_speech::Listener::of(&checkpoint, &settings).err().expect("no model").to_string();
    assert!(error.contains("conv1"), "{error}");
    for bytes in
        [&b""[..], b"GGUF\x03\0\0\0", b"\xff\xff\xff\xff\xff\xff\xff\xff{", b"\x10\0\0\0\0\0\0\0{\"a\":1}       "]
    {
        assert!(Checkpoint::read(bytes).is_err());
    }
}
