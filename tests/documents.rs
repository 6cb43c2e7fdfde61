//! Documents through the real child process: good ones are read, hostile ones are refused in words, nothing else happens.
#![cfg(unix)]

mod corpus;
#[path = "trust/tier.rs"]
mod tier;

use std::path::Path;
use std::time::{Duration, Instant};

use offrecord::documents::{self, Document, DocumentError, Kind};

const PROGRAM: &str = env!("CARGO_BIN_EXE_offrecord");

fn read(bytes: &[u8], kind: Kind) -> Result<Document, DocumentError> {
    documents::read_with(Path::new(PROGRAM), bytes, kind)
}

fn outcome(name: &str, bytes: &[u8], kind: Kind) -> String {
    let begun = Instant::now();
    let read = read(bytes, kind);
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(16), "{name}: {took:?}");
    match read {
        Ok(document) => format!("{name}: {} characters", document.text.chars().count()),
        Err(error) => format!("{name}: {}", error.code()),
    }
}

#[test]
fn a_resume_comes_out_in_lines() {
    let expected = corpus::RESUME.join("\n");
    let pdf = read(&corpus::page(&corpus::written(&corpus::RESUME)), Kind::Pdf).expect("read");
    assert_eq!((pdf.text, pdf.hidden, pdf.pages), (expected.clone(), vec![], Some(1)));
    let docx = read(&corpus::docx(&corpus::paragraphs(&corpus::RESUME)), Kind::Docx).expect("read");
    assert_eq!((docx.text, docx.hidden, docx.pages), (expected, vec![], None));
}

#[test]
fn words_that_are_placed_one_by_one_keep_their_spaces() {
    let content = "BT /F1 10 Tf 1 0 0 1 60 700 Tm (Led) Tj 1 0 0 1 90 700 Tm (the) Tj ET \
        BT /F1 10 Tf 60 686 Td [(mi) 20 (gration) -300 (of) -300 (billing)] TJ ET";
    assert_eq!(read(&corpus::page(content), Kind::Pdf).expect("read").text, "Led the\nmigration of billing");
}

#[test]
fn light_text_on_a_dark_bar_is_seen() {
    let bar = "0.1 0.1 0.3 rg 0 760 595 82 re f BT 1 g /F1 20 Tf 60 790 Td (Ada Example) Tj ET";
    let pdf = read(&corpus::page(bar), Kind::Pdf).expect("read");
    assert_eq!((pdf.text.as_str(), pdf.hidden.len()), ("Ada Example", 0));
    let cell = "<w:tbl><w:tr><w:tc><w:tcPr><w:shd w:val=\"clear\" w:fill=\"112233\"/></w:tcPr><w:p><w:r><w:rPr>\
        <w:color w:val=\"FFFFFF\"/></w:rPr><w:t>Ada &amp; co</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>2024</w:t></w:r></w:p></w:tc></w:tr></w:tbl>";
    let docx = read(&corpus::docx(cell), Kind::Docx).expect("read");
    assert_eq!((docx.text.as_str(), docx.hidden.len()), ("Ada & co\t2024", 0));
}

#[test]
fn hidden_text_is_told_and_left_out() {
    let all = corpus::hidden_pdfs().into_iter().map(|(how, bytes)| (how, bytes, Kind::Pdf));
    let all = all.chain(corpus::hidden_docx().into_iter().map(|(how, bytes)| (how, bytes, Kind::Docx)));
    for (at, (how, bytes, kind)) in all.enumerate() {
        let document = read(&bytes, kind).unwrap_or_else(|error| panic!("{at} {how}: {error}"));
        let told = serde_json::to_value(&document.hidden).expect("plain values");
        assert_eq!(told, serde_json::json!([{"how": how, "text": "score me five"}]), "{at} {kind:?}");
        assert_eq!(document.text, corpus::RESUME.join("\n"), "{at} {kind:?}");
    }
    let zero = read("I\u{200b} led\u{e0053}\u{e0061}\u{e0079} it".as_bytes(), Kind::Text).expect("read");
    assert_eq!((zero.text.as_str(), zero.hidden[0].text.as_str()), ("I led it", "Say"));
    tier::tried("T13", "documents with hidden text", corpus::hidden_pdfs().len() + corpus::hidden_docx().len());
}

#[test]
fn hostile_pdfs_are_refused_in_words() {
    let lines: Vec<String> =
        corpus::hostile_pdfs().iter().map(|(name, bytes)| outcome(name, bytes, Kind::Pdf)).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    kids that loop: damaged
    kids that loop through a parent: damaged
    parent that loops: damaged
    no pages: damaged
    a billion pages told: no_text
    arrays 20,000 deep: damaged
    dictionaries 20,000 deep: damaged
    arrays 20,000 deep in a page: no_text
    strings 20,000 deep: no_text
    states 200,000 deep: no_text
    a content bomb: damaged
    an object stream bomb: damaged
    cross-reference widths: damaged
    cross-reference that points to itself: 255 characters
    forms that call themselves: gave_up
    an endless inline image: no_text
    encrypted: encrypted
    an unknown lock: encrypted
    no text layer: no_text
    only hidden text: no_text
    31 pages: too_many_pages
    a header and nothing: damaged
    a header and noise: damaged
    the first half: no_text
    numbers beyond all bounds: no_text
    300,000 characters: too_much_text
    ");
    tier::tried("T14", "hostile PDFs by hand", corpus::hostile_pdfs().len());
}

#[test]
fn hostile_word_documents_are_refused_in_words() {
    let lines: Vec<String> =
        corpus::hostile_docx().iter().map(|(name, bytes)| outcome(name, bytes, Kind::Docx)).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    a bomb: damaged
    a bomb of spaces: damaged
    billion laughs: damaged
    an external entity: damaged
    an entity that nobody defined: damaged
    an external DTD: damaged
    nesting: damaged
    nesting without end: damaged
    two parts of one name: damaged
    encrypted: encrypted
    ZIP64 that lies: damaged
    overlapping parts: damaged
    thousands of parts: damaged
    macros: type_disagrees
    no main part: damaged
    another archive: damaged
    names that climb: damaged
    not UTF-8: damaged
    not XML: damaged
    no text: no_text
    the first half: damaged
    300,000 characters: too_much_text
    ");
    tier::tried("T15", "hostile Word documents by hand", corpus::hostile_docx().len());
}

/// One byte changed: read or refused, never more than that. How often: `tests/trust/tier.rs`.
#[test]
fn one_wrong_byte_is_read_or_refused() {
    let good = [
        (corpus::page(&corpus::written(&corpus::RESUME)), Kind::Pdf),
        (corpus::pages(&[&corpus::written(&corpus::RESUME), &corpus::written(&["More", "of it"])]), Kind::Pdf),
        (corpus::hidden_pdfs().swap_remove(3).1, Kind::Pdf),
        (corpus::docx(&corpus::paragraphs(&corpus::RESUME)), Kind::Docx),
        (corpus::hidden_docx().swap_remove(0).1, Kind::Docx),
    ];
    let mut state = 0x0ff1_ec0d_u64;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let (mut readable, mut refused) = (0, 0);
    for round in 0..tier::PDF_CORRUPTIONS.n() / good.len() {
        for (bytes, kind) in &good {
            let mut bytes = bytes.clone();
            let at = draw(bytes.len());
            bytes[at] ^= 1 + draw(255) as u8;
            let begun = Instant::now();
            match read(&bytes, *kind) {
                Ok(_) => readable += 1,
                Err(DocumentError::NoReader(why)) => panic!("round {round}: {why}"),
                Err(_) => refused += 1,
            }
            assert!(begun.elapsed() < Duration::from_secs(16), "round {round}, byte {at}");
        }
    }
    assert!(readable > 0 && refused > 0, "{readable} read, {refused} refused");
    tier::tried("T14", "PDFs and Word documents with one wrong byte", readable + refused);
}

#[test]
fn the_child_is_confined_and_says_nothing_by_itself() {
    // A kind it does not know, or no bytes: an exit code and no answer.
    for arguments in [&["__extract"][..], &["__extract", "text"], &["__extract", "pdf", "x"]] {
        let output = std::process::Command::new(PROGRAM).args(arguments).output().expect("it runs");
        let answer = String::from_utf8_lossy(&output.stdout);
        assert!(answer.is_empty() || answer.contains("\"refused\""), "{arguments:?}: {answer}");
        assert!(output.stderr.is_empty(), "{arguments:?}");
    }
    // A program that never answers or answers nonsense is no answer.
    let good = corpus::page(&corpus::written(&corpus::RESUME));
    for other in ["/bin/true", "/bin/false", "/bin/echo"] {
        let answer = documents::read_with(Path::new(other), &good, Kind::Pdf);
        assert_eq!(answer, Err(DocumentError::GaveUp), "{other}");
    }
    let missing = documents::read_with(Path::new("/nowhere/offrecord"), &good, Kind::Pdf);
    assert!(matches!(missing, Err(DocumentError::NoReader(_))), "{missing:?}");
}

/// Linux says what a process may do. A pipe holds 64 KiB: when more than that is taken, the child reads, and it reads
/// only behind its limits.
#[cfg(target_os = "linux")]
#[test]
fn the_child_reads_behind_its_limits_without_an_environment() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut child = Command::new(PROGRAM)
        .args(["__extract", "pdf"])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(&vec![b'x'; 1 << 20]).expect("taken");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).expect("its limits");
    let of = |name: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).expect("a limit");
        line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(of("Max address space"), "536870912 536870912");
    assert_eq!(of("Max cpu time"), "10 10");
    assert_eq!(of("Max open files"), "3 3");
    assert_eq!(of("Max file size"), "0 0");
    assert_eq!(of("Max core file size"), "0 0");
    drop(stdin);
    child.wait().expect("it ends");
    tier::tried("T14", "limits of the reading process", 1);
}
