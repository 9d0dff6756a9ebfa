//! Every public message at hand is read without losing a byte, and an edit changes only its place. Passes, and says so,
//! where the messages are absent.
#![expect(clippy::unwrap_used, reason = "a test that reports what it read")]
#![expect(clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

use std::path::{Path, PathBuf};

use labwire_hl7::message::{Charset, Message};

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_some_and(|name| name != "md") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// From the first header on: one file has remarks of its author before it.
fn message(bytes: &[u8]) -> &[u8] {
    let headers = [&b"MSH|"[..], b"FHS|", b"BHS|"];
    let start = (0..bytes.len()).find(|at| headers.iter().any(|header| bytes[*at..].starts_with(header)));
    &bytes[start.unwrap()..]
}

#[test]
fn every_message_comes_back_byte_for_byte_and_an_edit_changes_only_its_place() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/hl7");
    if !folder.exists() {
        println!("no messages at {}: nothing to read", folder.display());
        return;
    }
    let (mut read, mut segments, mut results, mut edits) = (0, 0, 0, 0);
    for path in files(&folder) {
        let file = std::fs::read(&path).unwrap();
        let bytes = message(&file);
        for charset in [None, Some(Charset::GB18030), Some(Charset::SHIFT_JIS), Some(Charset::UTF_8)] {
            let message = match charset {
                None => Message::parse(bytes).unwrap(),
                Some(charset) => Message::parse_as(bytes, charset).unwrap(),
            };
            assert_eq!(message.emit(), bytes, "{}", path.display());
            edits += edit_everything(bytes, &message);
        }
        let message = Message::parse(bytes).unwrap();
        read += 1;
        segments += message.segments().count();
        results += message.named(b"OBX").count();
    }
    println!("read {read} files, {segments} segments, {results} results; {edits} edits");
    assert!(read > 0 && results > 0 && edits > 0, "the folder of messages exists but nothing was read");
}

/// Edits the last field of every seventh segment, and looks at every byte before and behind it.
fn edit_everything(bytes: &[u8], message: &Message<'_>) -> usize {
    let mut edits = 0;
    let mut start = 0;
    for segment in message.segments() {
        let at =
            start + bytes[start..].windows(segment.raw().len()).position(|w| w == segment.raw()).unwrap();
        start = at + segment.raw().len();
        let Ok(name) = <[u8; 3]>::try_from(segment.name()) else { continue };
        let field = segment.fields().count();
        if segment.ordinal() % 7 != 1 || field < 3 {
            continue;
        }
        let occurrence =
            message.named(&name).take_while(|other| other.ordinal() <= segment.ordinal()).count();
        let text = format!("{}[{occurrence}]-{field}", String::from_utf8_lossy(&name));
        let Some(path) = labwire_hl7::message::Path::parse(&text) else { continue };
        let old = segment.field(field).raw().len();
        let edited = message.edit(&path, b"4|2").unwrap();
        let (before, behind) = (&bytes[..start - old], &bytes[start..]);
        assert_eq!(edited, [before, &segment.escaped(b"4|2"), behind].concat(), "{text}");
        edits += 1;
    }
    edits
}

trait Escaped {
    fn escaped(&self, text: &[u8]) -> Vec<u8>;
}

impl Escaped for labwire_hl7::message::Segment<'_> {
    /// `text` as it must stand under this segment's separators: only the field separator occurs in it.
    fn escaped(&self, text: &[u8]) -> Vec<u8> {
        let escape = self.separators().escape.map_or(String::new(), |escape| char::from(escape).to_string());
        String::from_utf8_lossy(text).replace('|', &format!("{escape}F{escape}")).into_bytes()
    }
}
