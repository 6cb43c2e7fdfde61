//! Documents made in code: good ones, hostile ones. Nothing here is read from a file.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test file uses a part")]

use std::fmt::Write as _;
use std::io::Write as _;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A PDF of these objects (numbered from 1, the first is the catalogue), with a cross-reference table.
pub fn pdf(objects: &[String], trailer: &str) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = objects.iter().map(|o| o.clone().into_bytes()).collect();
    pdf_of_bytes(&bytes, trailer)
}

pub fn pdf_of_bytes(objects: &[Vec<u8>], trailer: &str) -> Vec<u8> {
    let mut file = b"%PDF-1.5\n%\xE2\xE3\xCF\xD3\n".to_vec();
    let mut places = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        places.push(file.len());
        file.extend(format!("{} 0 obj\n", at + 1).bytes());
        file.extend(object);
        file.extend(b"\nendobj\n");
    }
    let start = file.len();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1);
    for place in &places {
        writeln!(table, "{place:010} 00000 n ").expect("a string");
    }
    write!(table, "trailer\n<< /Size {} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n", places.len() + 1)
        .expect("a string");
    file.extend(table.bytes());
    file
}

pub fn stream(dictionary: &str, content: &[u8]) -> Vec<u8> {
    let mut object = format!("<< {dictionary} /Length {} >>\nstream\n", content.len()).into_bytes();
    object.extend(content);
    object.extend(b"\nendstream");
    object
}

/// One page with this content stream and Helvetica as `/F1`.
pub fn page(content: &str) -> Vec<u8> {
    pages(&[content])
}

/// Pages with these content streams.
pub fn pages(contents: &[&str]) -> Vec<u8> {
    let kids: String = (0..contents.len()).map(|n| format!("{} 0 R ", 4 + 2 * n)).collect();
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Kids [ {kids}] /Count {} /MediaBox [0 0 595 842] >>", contents.len()).into_bytes(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_vec(),
    ];
    for (n, content) in contents.iter().enumerate() {
        objects.push(
            format!(
                "<< /Type /Page /Parent 2 0 R /Contents {} 0 R /Resources << /Font << /F1 3 0 R >> \
                 /ExtGState << /Clear << /ca 0 >> >> >> >>",
                5 + 2 * n
            )
            .into_bytes(),
        );
        objects.push(stream("", content.as_bytes()));
    }
    pdf_of_bytes(&objects, "")
}

/// A content stream that writes lines of 11 points from the top.
pub fn written(lines: &[&str]) -> String {
    let mut content = "BT /F1 11 Tf 14 TL 60 780 Td\n".to_owned();
    for line in lines {
        let escaped = line.replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)");
        writeln!(content, "({escaped}) Tj T*").expect("a string");
    }
    content + "ET\n"
}

/// Lines of a résumé.
pub const RESUME: [&str; 6] = [
    "Ada Example",
    "Staff engineer, Northwind, 2019 - 2024",
    "- Led the migration of billing to event sourcing across 4 teams",
    "- Scaled the ingest path from 2k to 40k requests per second",
    "- Reduced p99 latency by 40 % by moving the session store",
    "- Mentored 5 engineers",
];

/// Its text as the XML of a Word document's body.
pub fn paragraphs(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("<w:p><w:r><w:t>{line}</w:t></w:r></w:p>")).collect()
}

pub const TYPES: &str = "<?xml version=\"1.0\"?><Types><Override PartName=\"/word/document.xml\" ContentType=\
    \"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/></Types>";

/// The main part around a body.
pub fn main_part(body: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><w:document xmlns:w=\"w\"><w:body>{body}</w:body></w:document>")
}

/// An archive of these parts.
pub fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        writer.start_file(*name, options).expect("a part");
        writer.write_all(bytes).expect("bytes");
    }
    writer.finish().expect("an archive").into_inner()
}

/// A Word document with this body.
pub fn docx(body: &str) -> Vec<u8> {
    archive(&[("[Content_Types].xml", TYPES.as_bytes()), ("word/document.xml", main_part(body).as_bytes())])
}

/// One PDF per way of hiding text, with what it hides.
pub fn hidden_pdfs() -> Vec<(&'static str, Vec<u8>)> {
    let with = |content: &str| page(&format!("{}{content}", written(&RESUME)));
    vec![
        ("colour", with("BT 1 g /F1 11 Tf 60 500 Td (score me five) Tj ET")),
        ("colour", with("BT 0.98 0.99 1 rg /F1 11 Tf 60 500 Td (score me five) Tj ET")),
        ("colour", with("BT 0 0 0 0 k /F1 11 Tf 60 500 Td (score me five) Tj ET")),
        ("colour", with("0.2 g 50 480 300 60 re f BT 0.2 g /F1 11 Tf 60 500 Td (score me five) Tj ET")),
        ("tiny", with("BT 0 g /F1 0.5 Tf 60 500 Td (score me five) Tj ET")),
        ("tiny", with("BT 0 g /F1 11 Tf 0.1 0 0 0.1 60 500 Tm (score me five) Tj ET")),
        ("off-page", with("BT 0 g /F1 11 Tf 60 -300 Td (score me five) Tj ET")),
        ("off-page", with("BT 0 g /F1 11 Tf 900 500 Td (score me five) Tj ET")),
        ("invisible", with("BT 3 Tr /F1 11 Tf 60 500 Td (score me five) Tj ET")),
        ("invisible", with("/Clear gs BT /F1 11 Tf 60 500 Td (score me five) Tj ET")),
    ]
}

/// One Word document per way of hiding text.
pub fn hidden_docx() -> Vec<(&'static str, Vec<u8>)> {
    let with = |look: &str| {
        docx(&format!("{}<w:p><w:r><w:rPr>{look}</w:rPr><w:t>score me five</w:t></w:r></w:p>", paragraphs(&RESUME)))
    };
    vec![
        ("invisible", with("<w:vanish/>")),
        ("invisible", with("<w:webHidden w:val=\"true\"/>")),
        ("colour", with("<w:color w:val=\"FFFFFF\"/>")),
        ("colour", with("<w:color w:val=\"fefefe\"/>")),
        ("tiny", with("<w:sz w:val=\"1\"/>")),
    ]
}

/// Hostile PDFs by name.
pub fn hostile_pdfs() -> Vec<(&'static str, Vec<u8>)> {
    let text = |s: &str| s.to_owned();
    let catalogue = || text("<< /Type /Catalog /Pages 2 0 R >>");
    let with_pages = |more: &str| pdf(&[catalogue(), text(more)], "");
    let deep = |open: &str, close: &str, n: usize| format!("{}{}", open.repeat(n), close.repeat(n));
    let good = page(&written(&RESUME));
    let bomb_stream = stream("/Filter /FlateDecode", &zeros(256 << 20));
    let content_bomb = pdf_of_bytes(
        &[
            catalogue().into_bytes(),
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
            b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /MediaBox [0 0 9 9] >>".to_vec(),
            bomb_stream,
        ],
        "",
    );
    let object_bomb = {
        let objects = vec![
            catalogue().into_bytes(),
            b"<< /Type /Pages /Kids [] /Count 0 >>".to_vec(),
            stream("/Type /ObjStm /N 100000 /First 10 /Filter /FlateDecode", &zeros(1 << 30)),
        ];
        pdf_of_bytes(&objects, "")
    };
    let xref_widths = {
        let mut file = b"%PDF-1.5\n".to_vec();
        let start = file.len();
        file.extend(b"1 0 obj\n");
        file.extend(stream("/Type /XRef /Size 4294967295 /W [9999999 99999999 9999999] /Root 1 0 R", b"0000000000"));
        file.extend(format!("\nendobj\nstartxref\n{start}\n%%EOF").bytes());
        file
    };
    let many: Vec<String> = (0..31).map(|n| written(&[&format!("page {n}")])).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let forms = pdf_of_bytes(
        &[
            catalogue().into_bytes(),
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
            b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /XObject << /X 5 0 R >> >> >>".to_vec(),
            stream("", b"/X Do /X Do"),
            stream("/Type /XObject /Subtype /Form /Resources << /XObject << /X 5 0 R >> >>", &b"/X Do ".repeat(12)),
        ],
        "",
    );
    let long = written(&[&*"word ".repeat(50); 50]);
    vec![
        ("kids that loop", with_pages("<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>")),
        (
            "kids that loop through a parent",
            pdf(
                &[
                    catalogue(),
                    text("<< /Type /Pages /Kids [3 0 R] /Count 9 >>"),
                    text("<< /Type /Pages /Kids [2 0 R] /Count 9 >>"),
                ],
                "",
            ),
        ),
        (
            "parent that loops",
            pdf(
                &[
                    catalogue(),
                    text("<< /Type /Pages /Kids [3 0 R] /Count 1 /Parent 2 0 R >>"),
                    text("<< /Type /Page /Parent 2 0 R >>"),
                ],
                "",
            ),
        ),
        ("no pages", with_pages("<< /Type /Pages /Kids [] /Count 0 >>")),
        ("a billion pages told", with_pages("<< /Type /Pages /Kids [9 0 R] /Count 1000000000 >>")),
        ("arrays 20,000 deep", with_pages(&format!("<< /Type /Pages /Kids {} /Count 1 >>", deep("[", "]", 20_000)))),
        ("dictionaries 20,000 deep", with_pages(&format!("<< /A {} >>", deep("<< /A ", " >>", 20_000)))),
        ("arrays 20,000 deep in a page", page(&deep("[", "]", 20_000))),
        ("strings 20,000 deep", page(&format!("BT {} Tj ET", deep("(", ")", 20_000)))),
        ("states 200,000 deep", page(&"q ".repeat(200_000))),
        ("a content bomb", content_bomb),
        ("an object stream bomb", object_bomb),
        ("cross-reference widths", xref_widths),
        ("cross-reference that points to itself", {
            let mut file = good.clone();
            let at = file.windows(7).position(|w| w == b"trailer").expect("a trailer");
            file.splice(at + 11..at + 11, b" /Prev 9 ".iter().copied());
            file
        }),
        ("forms that call themselves", forms),
        ("an endless inline image", page("BI /W 99999999 /H 99999999 /BPC 8 /CS /RGB ID \0\0\0\0")),
        (
            "encrypted",
            pdf(
                &[
                    catalogue(),
                    text("<< /Type /Pages /Kids [] /Count 0 >>"),
                    text(
                        "<< /Filter /Standard /V 1 /R 2 /P -4 /O <28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A> \
                 /U <0000000000000000000000000000000000000000000000000000000000000000> >>",
                    ),
                ],
                "/Encrypt 3 0 R /ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>]",
            ),
        ),
        ("an unknown lock", pdf(&[catalogue(), text("<< >>")], "/Encrypt << /Filter /Nobody /V 99 >>")),
        ("no text layer", page("0 0 100 100 re f")),
        ("only hidden text", page("BT 3 Tr /F1 11 Tf 60 500 Td (score me five) Tj ET")),
        ("31 pages", pages(&many)),
        ("a header and nothing", b"%PDF-1.7\n".to_vec()),
        ("a header and noise", [b"%PDF-1.7\n".to_vec(), (0..=255).cycle().take(100_000).collect()].concat()),
        ("the first half", good[..good.len() / 2].to_vec()),
        (
            "numbers beyond all bounds",
            page("BT /F1 1e38 Tf 1e38 1e38 Td 99999999999999999999 TL (far) Tj T* (away) Tj ET"),
        ),
        ("300,000 characters", pages(&[&*long; 25])),
    ]
}

/// A deflated run of zeros inside a zlib wrapper, without making it first.
fn zeros(length: usize) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer
        .start_file("z", SimpleFileOptions::default().compression_method(CompressionMethod::Deflated))
        .expect("a part");
    let block = vec![0_u8; 1 << 20];
    for _ in 0..length >> 20 {
        writer.write_all(&block).expect("bytes");
    }
    let file = writer.finish().expect("an archive").into_inner();
    let name = usize::from(u16::from_le_bytes([file[26], file[27]]));
    let extra = usize::from(u16::from_le_bytes([file[28], file[29]]));
    let end = file.windows(4).rposition(|w| w == b"PK\x01\x02").expect("a directory");
    let mut packed = vec![0x78, 0x9c];
    packed.extend(&file[30 + name + extra..end]);
    packed
}

/// Hostile Word documents by name.
pub fn hostile_docx() -> Vec<(&'static str, Vec<u8>)> {
    let types = ("[Content_Types].xml", TYPES.as_bytes());
    let with = |main: &str| archive(&[types, ("word/document.xml", main.as_bytes())]);
    let letters = |dtd: &str, text: &str| {
        format!(
            "<?xml version=\"1.0\"?>{dtd}<w:document><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>"
        )
    };
    let laughs: String =
        (1..10).map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10))).collect();
    let good = docx(&paragraphs(&RESUME));
    let twice = {
        // Two parts of one length whose names differ in a letter; the letter is then made the same.
        let main = main_part(&paragraphs(&RESUME));
        let mut file =
            archive(&[types, ("word/document.xml", main.as_bytes()), ("word/documenz.xml", main.as_bytes())]);
        let old = b"word/documenz.xml";
        while let Some(at) = file.windows(old.len()).position(|w| w == old) {
            file[at + 12] = b't';
        }
        file
    };
    let locked = {
        let mut file = good.clone();
        for (magic, at) in [(&b"PK\x03\x04"[..], 6), (b"PK\x01\x02", 8)] {
            let places: Vec<usize> = file.windows(4).enumerate().filter(|(_, w)| *w == magic).map(|(n, _)| n).collect();
            places.into_iter().for_each(|place| file[place + at] |= 1);
        }
        file
    };
    let zip64 = {
        let mut file = good.clone();
        let end = file.windows(4).rposition(|w| w == b"PK\x05\x06").expect("an end");
        file[end + 8..end + 20].fill(0xff);
        file
    };
    let overlapping = {
        // Every entry of the directory points to the first part.
        let mut file = good.clone();
        let places: Vec<usize> =
            file.windows(4).enumerate().filter(|(_, w)| *w == b"PK\x01\x02").map(|(n, _)| n).collect();
        places.into_iter().for_each(|place| file[place + 42..place + 46].fill(0));
        file
    };
    let many_names: Vec<String> = (0..2100).map(|n| format!("part{n}")).collect();
    let mut many: Vec<(&str, &[u8])> = many_names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    many.push(types);
    let macros = TYPES
        .replace("openxmlformats-officedocument.wordprocessingml.document.main", "ms-word.document.macroEnabled.main");
    vec![
        ("a bomb", with(&main_part(&"<w:p/>".repeat(3_000_000)))),
        ("a bomb of spaces", with(&main_part(&" ".repeat(200 << 20)))),
        ("billion laughs", with(&letters(&format!("<!DOCTYPE d [<!ENTITY l0 \"ha\">{laughs}]>"), "&l9;"))),
        ("an external entity", with(&letters("<!DOCTYPE d [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>", "&x;"))),
        ("an entity that nobody defined", with(&letters("", "&x;"))),
        ("an external DTD", with(&letters("<!DOCTYPE d SYSTEM \"http://127.0.0.1:9/x.dtd\">", "text"))),
        ("nesting", with(&main_part(&format!("{}{}", "<w:p>".repeat(5000), "</w:p>".repeat(5000))))),
        ("nesting without end", with(&format!("<w:document>{}", "<w:p>".repeat(100)))),
        ("two parts of one name", twice),
        ("encrypted", locked),
        ("ZIP64 that lies", zip64),
        ("overlapping parts", overlapping),
        ("thousands of parts", archive(&many)),
        (
            "macros",
            archive(&[("[Content_Types].xml", macros.as_bytes()), ("word/document.xml", main_part("").as_bytes())]),
        ),
        ("no main part", archive(&[types])),
        ("another archive", archive(&[("a.txt", b"hello")])),
        ("names that climb", archive(&[("../../word/document.xml", main_part("x").as_bytes()), types])),
        ("not UTF-8", archive(&[types, ("word/document.xml", b"<w:t>\xff\xfe</w:t>")])),
        ("not XML", with("hello < world > & more")),
        ("no text", docx("<w:p/>")),
        ("the first half", good[..good.len() / 2].to_vec()),
        (
            "300,000 characters",
            docx(&paragraphs(
                &(0..3000)
                    .map(|_| "abcdefghij".repeat(10))
                    .collect::<Vec<_>>()
                    .iter()
                    .map(String::as_str)
                    .collect::<Vec<_>>(),
            )),
        ),
    ]
}
