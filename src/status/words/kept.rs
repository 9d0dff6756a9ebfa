//! What labwire itself has said and keeps as it was said, in English: of problems, of what was odd on a line, and of links and
//! destinations that are down.
//! Where one of these texts is shown it is known again by its words, with what stood at its places, so that it is said in the
//! page's language. What isn't known again stays as it stands, as do the parts, which others may have written.

use crate::domain::Words;

/// The texts. A test holds each against the source that says it.
pub(super) const KEPT: &[&str] = &[
    "test code {code} is not known to {profile}",
    "status {status} is not known to {profile}",
    "flag {flag} is not known to {profile}",
    "the aspect {aspect} is not known to {profile}",
    "the value {value} is neither a number nor known",
    "the value {value} isn't among the values of {code} in [codes]",
    "the analyzer could not do the test (status {status})",
    "the analyzer marked this message {mark}, not as production",
    "the analyzer broke the message off (code {code})",
    "bytes that are not {name}; a replacement character stands for them",
    "the dilution {sent} isn't understood, and the value isn't multiplied by it",
    "no configured instrument fits {peer} at {source}",
    "the sender could be any of {names}",
    "it looks like observation {id} and can't be told from it",
    "controls of {test} are out: {what}",
    "{rule} at level {level} of lot {lot}",
    "{rule} across levels",
    "{more} more of this kind in this message; they aren't listed",
    "can't open {device}: {what}",
    "can't connect to {address}: {what}",
    "the analyzer closed the connection",
    "nothing arrived for longer than the idle limit",
    "the analyzer can't be understood on this connection",
    "closed by the gateway",
    "the time limit ran out",
    "the TLS handshake failed: {what}",
    "not sent: {what}",
    "no answer: {what}",
    "the gateway stopped before the answer came",
    "answered {status} as it had before",
    "answered {status} to a probe",
    "answered {status} with something that is no JSON",
    "answered {status}: redirects are never followed",
    "answered {answer}",
    "the text of a frame held the control byte {byte} and was refused",
    "frame {came} came where frame {due} was due and was refused",
    "frame {number} came again with other content and was refused",
    "frame {number} came again; it was acknowledged and not stored twice",
    "the analyzer refused frame {number} of ours",
    "a frame with a wrong checksum was refused",
    "a frame without a number from 0 to 7 was refused",
    "a frame that didn't end as a frame must was refused",
    "a frame longer than the limit was refused",
    "a frame with stray bytes before it was refused",
    "a frame could not be stored and was refused",
    "a transmission was put off: nothing more can be stored at present",
    "a request to transmit in mid-transmission was refused",
    "a transmission larger than the limit was cut and its last frame refused",
    "the analyzer began anew in mid-transmission",
    "the analyzer asked whether anybody is there",
    "a transmission ended without a frame",
    "a new transmission began without the end of the one before",
    "a frame without CR LF at its end was accepted",
    "a frame was accepted without a checksum",
    "a checksum in lower case was accepted",
    "the last record of a frame lacked its CR",
    "records came without frames; none of them is acknowledged",
    "bytes outside a frame were ignored",
    "a frame broke off",
    "the analyzer didn't wait for an answer; what was too much was dropped",
    "the analyzer stopped waiting before it was answered; the answer wasn't sent",
    "records without frames were refused by closing: nothing more can be stored",
    "a record without a frame could not be stored; the connection was closed",
    "both sides asked to transmit at once; the analyzer goes first",
    "the analyzer is busy and was asked again later",
    "the analyzer didn't answer in time",
    "the analyzer's answer to a frame could not be understood",
    "an answer came that nothing had been sent for",
    "the analyzer asked us to stop",
    "a message of ours can't be framed and wasn't sent",
    "a message of ours wasn't sent: the analyzer isn't connected",
    "a block began without its VT and was accepted",
    "a block ended without its CR and was accepted",
    "a block held an FS that wasn't its end",
    "a block without a message header was stored; nobody can answer it",
    "line ends between blocks were ignored",
    "bytes outside a block were ignored",
    "a block without content was ignored",
    "a new block began in the middle of one; the first half was dropped",
    "the peer fell silent in the middle of a block; what had come of it was dropped",
    "the connection was lost in the middle of a block; what had come of it was dropped",
    "the connection was lost before complete blocks were stored; none of them was answered",
    "a block larger than the limit was dropped and the connection closed",
    "the peer sent more than can wait while a block is stored; the connection was closed",
    "a block could not be stored and was not accepted",
    "a block waits: nothing more can be stored at present",
    "a message of ours can't be sent: it has no control ID or can't stand in a block",
    "a message of ours wasn't sent: the peer isn't connected",
    "the peer didn't answer in time; the connection was closed",
    "the peer stored a message and didn't say in time what became of it",
    "an answer to another message came and was discarded",
    "an answer that can't be understood came and was discarded",
    "an answer came again and was discarded",
    "an answer came that nothing was waiting for, and was discarded",
    "the peer said that it didn't store a message of ours",
    "line {line}: bytes that are not {name}, here and perhaps further on; a replacement character stands for them",
    "line {line}: {what}",
    "from line {line} of the file on: {what}",
    "{what}; it has been there for more than {long}",
    "its results are safe, but {what}",
    "it has {cells} cells, and the header has {width}",
    "it names no test: nothing stands in {place}",
    "the header comes again, as where two files were joined",
    "zero bytes stand in it, as where a part of a file was never written",
    "the quotes in it don't come in pairs around a cell",
    "a quote that opens in it isn't closed as it should be",
    "it stands behind a quote that isn't closed as it should be, and is no row by itself",
    "it begins as the row that closes the table and names a test all the same; it was not read as a result: name such rows in the profile's not_results, or close the table with a row that names no test",
    "{one} and column {other} are one test and differ",
    "{meaning} is {said}, and only {known} is understood",
    "it has {length} characters, and the columns reach to {end}: it may have been cut. Where the model leaves blanks at a row's end out, write short_rows = \"trimmed\" in the profile",
    "it has {length} characters and ends within the column @{first}-{last}: it was cut",
    "it has {length} characters, and not every column that makes it a result",
    "a spreadsheet made a date of it",
    "a spreadsheet seems to have made a date of it",
    "a spreadsheet shortened a number there",
    "a spreadsheet shows an error in it",
    "its cell holds a formula without the result",
    "no column of the header is a test by the profile; nothing was read",
    "the header row is missing; nothing was read",
    "the file's head lacks {missing}; nothing was read by position instead",
    "the workbook can't be read, or holds more than {most} MiB when unpacked",
    "the workbook can't be read: {what}",
    "the workbook has no sheet {name}, but {names}",
    "the sheet can't be read: {what}",
    "the sheet has no header row that begins with {begins}",
    "it is read as {name}, and what isn't ASCII in it looks like UTF-8: if its letters are wrong, write encoding = \"utf-8\" in the profile's [table], or character_set = \"utf-8\" in the instrument's file",
    "its file says the same twice and no time tells which is which; it counts as another measurement beside {beside}",
    "the time {time}: {what}",
    "no destination takes these tests: {tests}",
    "the gateway could not record what this message says; its bytes are kept",
    "the gateway could not read this message; its bytes are kept",
    "the transmission ended before its last record; what was acknowledged is kept",
    "a record of an unknown kind",
    "a result under a header that doesn't say how it is structured",
    "neither a result nor a query",
    "the message has no end",
    "a record after the end of its message",
    "an order without a patient record before it",
    "a result without an order record before it",
    "a result without an order before it",
    "a comment that belongs to no patient, order or result",
    "manufacturer's data that belongs to no order or result",
    "{kind} number {number} follows {after}: {one} between them seems to be missing",
    "a segment that the profile doesn't know",
    "{count} segments of one name that the profile doesn't know",
    "refused ({code}, {why}): MSH-9 says {kind}, MSH-12 {version}; nothing was read of it",
    "{field}-1 says {says}; {things} that came: {came}",
    "{what}; wasn't it set when the clocks changed?",
    "the analyzer's clock is {n} minute ahead",
    "the analyzer's clock is {n} minutes ahead",
    "the analyzer's clock is {n} minute behind",
    "the analyzer's clock is {n} minutes behind",
    "records without a header before them",
    "a header that declares no delimiters",
    "a header that declares fewer than four delimiters",
    "a header that declares more than four delimiters",
    "a header that declares one delimiter twice",
    "{what}: what follows can't be read",
    "the LIMS placed an order whose number was known with other tests or for another specimen: those are replaced and not done any more. If it sends the orders of a request one by one under one number, write numbers = \"request\" in its [orders] table",
    "the LIMS has open orders of several patients for this label: no analyzer is told of it, and its results wait; cancel or correct there all but one patient's",
    "the LIMS told an order of this label with another name and another day of birth than it told under the patient's number before: what it told before stays as it was; correct the number there, or send the change of the patient",
    "it is larger than {size} MiB; raise {key} if that is right",
    "it is a symbolic link, and links aren't followed; have the file itself written here, or let pattern leave the name out",
    "it is a named pipe, a socket or a device, and no file; take it away, or let pattern leave the name out",
    "the server lists it in a way that isn't understood; see what it is, or let pattern leave the name out",
    "it is being written, by its name",
    "its marker ({suffix}) isn't there",
    "it must look the same {wanted} times in a row; so far {times}",
    "it changed while it was read; it will be read again",
    "it changed after it was read; it will be read again",
    "the journal's disk has no room for a file of this size; free some space there",
    "the folder hasn't answered",
    "the folder holds more than {most} files; move the old ones away",
    "another program holds a lock on it",
    "the folder doesn't exist; make it, or mount what it is on",
    "the folder is a file; name another",
    "the service may not read the folder; give its user the right to",
    "the folder can't be read: {what}",
    "it is no longer there",
    "the service may not read it; give its user the right to",
    "it can't be read: {what}",
    "the service may not remove it; give its user the right to write in the folder, or write after = \"leave\"",
    "move_to is on another file system; write a folder on the same one",
    "it can't be removed: {what}",
    "the server hasn't let anybody in",
    "the server hasn't begun to list",
];

/// The only place whose part may be one of the texts again.
const INNER: &str = "what";

/// A text that was kept, known again where it is one of these, or one of these behind the name of what it is about.
pub(in crate::status) fn kept(text: &str) -> Words {
    let known = |text: &str| KEPT.iter().find_map(|known| known_again(known, text, &kept));
    let behind_a_name = || {
        let (name, rest) = text.split_once(NAMED)?;
        Some(Words::Row(vec![name.into(), known(rest)?], NAMED))
    };
    known(text).or_else(behind_a_name).unwrap_or_else(|| text.into())
}

/// What stands between the name of a file or a column and what is said of it.
const NAMED: &str = ": ";

/// The parts at the places of a text, if it is this one.
pub(super) fn known_again(known: &'static str, text: &str, inner: &impl Fn(&str) -> Words) -> Option<Words> {
    let mut parts = Vec::new();
    let (mut known_rest, mut rest) = (known, text);
    loop {
        let Some((before, after)) = known_rest.split_once('{') else {
            return (known_rest == rest).then_some(Words::Text { english: known, parts });
        };
        rest = rest.strip_prefix(before)?;
        let (name, after) = after.split_once('}')?;
        let until = after.split('{').next().unwrap_or_default();
        // What ends a text ends it at its last place; any other part is as short as it can be.
        let end = if until.is_empty() { rest.len() } else { ends(rest, until, after == until)? };
        let (part, left) = rest.split_at_checked(end)?;
        if part.is_empty() {
            return None;
        }
        parts.push((name, if name == INNER { inner(part) } else { part.into() }));
        (known_rest, rest) = (after, left);
    }
}

fn ends(rest: &str, until: &str, is_last: bool) -> Option<usize> {
    match is_last {
        true => rest.strip_suffix(until).map(str::len),
        false => rest.find(until),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{refused, ruled};
    use super::*;

    /// A text without the names of its places: `{what:?}` and `{}` are both a place.
    fn shape(text: &str) -> String {
        let mut shape = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            shape.push_str(before);
            shape.push_str("{}");
            rest = after.split_once('}').map_or("", |(_, after)| after);
        }
        shape + rest
    }

    #[test]
    fn what_was_kept_is_known_again_with_what_stood_at_its_places() {
        let german = |text: &'static str| match text {
            "no answer: {what}" => "keine Antwort: {what}",
            "the time limit ran out" => "die Zeit lief ab",
            "the value {value} is neither a number nor known" => {
                "der Wert {value} ist weder Zahl noch bekannt"
            }
            other => other,
        };
        for (text, expected) in [
            ("no answer: the time limit ran out", "keine Antwort: die Zeit lief ab"),
            ("no answer: Connection reset by peer", "keine Antwort: Connection reset by peer"),
            (
                "the value \"{code} is neither\" is neither a number nor known",
                "der Wert \"{code} is neither\" ist weder Zahl noch bekannt",
            ),
            ("the time limit ran out, said the LIMS", "the time limit ran out, said the LIMS"),
            ("no answer: ", "no answer: "),
            ("day.csv: no answer: the time limit ran out", "day.csv: keine Antwort: die Zeit lief ab"),
            ("day.csv: it is odd", "day.csv: it is odd"),
            ("", ""),
        ] {
            assert_eq!(kept(text).text(&german), expected, "{text}");
            assert_eq!(kept(text).english(), text, "in English nothing changes");
        }
    }

    #[test]
    fn each_text_is_said_somewhere_as_it_stands_here() {
        let mut sources = String::new();
        let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut folders = ["src", "protocols", "units"].map(|it| here.join(it)).to_vec();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.iter().any(|it| it == "words")
                    && path.extension().is_some_and(|it| it == "rs")
                {
                    sources += &std::fs::read_to_string(&path).unwrap();
                }
            }
        }
        // A text goes on behind a line's end, and a quote within it doesn't end it.
        const QUOTE: &str = "\u{1}";
        let lines: Vec<&str> = sources.split("\\\n").collect();
        let sources = lines.iter().enumerate().map(|(at, it)| if at == 0 { it } else { it.trim_start() });
        let sources = sources.collect::<String>().replace("\\\"", QUOTE);
        let said: std::collections::BTreeSet<String> = sources.split('"').map(shape).collect();
        // These are put together: of a code's word and a reason, or of a text and what is said behind it.
        let is_said = |text: &str| match text {
            "not sent: {what}" | "no answer: {what}" => {
                said.contains(text.split(':').next().unwrap_or_default()) && said.contains("{}: {}")
            }
            "{what}; it has been there for more than {long}" => {
                said.contains("; it has been there for more than {}")
            }
            "its bytes are in the archive {name}, which isn't in the folder {folder}" => {
                said.contains("which isn't in the folder")
            }
            "its bytes are in the archive {name}, which doesn't hold them as they were, in the folder {folder}" => {
                said.contains("which doesn't hold them as they were, in the folder")
            }
            "the file's head lacks {missing}; nothing was read by position instead" => {
                said.contains("the file's head lacks {}{}; nothing was read by position instead")
            }
            _ => said.iter().any(|said| said.starts_with(&shape(text).replace('"', QUOTE))),
        };
        let all = KEPT.iter().chain(refused::REFUSED).chain(ruled::RULED).chain(ruled::UNCONVERTED);
        let nobody: Vec<&&str> = all.filter(|text| !is_said(text)).collect();
        assert!(nobody.is_empty(), "nobody says {nobody:?}");
        assert!(!is_said("the value {value} is a number"), "what it must notice");
        let letters = |text: &str| shape(text).chars().filter(|it| it.is_alphabetic()).count();
        let fits_little = |text: &&str| letters(text) >= 7 || text.starts_with("line {line}: ");
        assert!(KEPT.iter().all(fits_little), "a text of places alone would fit anything");
    }
}
