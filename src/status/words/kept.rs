//! What labwire itself has said and keeps as it was said, in English: of problems, and of links and destinations that are down.
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
];

/// The only place whose part may be one of the texts again.
const INNER: &str = "what";

/// A text that was kept, known again where it is one of these.
pub(in crate::status) fn kept(text: &str) -> Words {
    KEPT.iter().find_map(|known| known_again(known, text)).unwrap_or_else(|| text.into())
}

/// The parts at the places of a text, if it is this one.
fn known_again(known: &'static str, text: &str) -> Option<Words> {
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
        parts.push((name, if name == INNER { kept(part) } else { part.into() }));
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
            ("", ""),
        ] {
            assert_eq!(kept(text).text(&german), expected, "{text}");
            assert_eq!(kept(text).english(), text, "in English nothing changes");
        }
    }

    #[test]
    fn each_text_is_said_somewhere_as_it_stands_here() {
        let mut sources = String::new();
        let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with("words/kept.rs") && path.extension().is_some_and(|it| it == "rs") {
                    sources += &std::fs::read_to_string(&path).unwrap();
                }
            }
        }
        let said: std::collections::BTreeSet<String> = sources.split('"').map(shape).collect();
        // These are put together of a code's word and a reason.
        let made = |text: &str| ["not sent: {what}", "no answer: {what}"].contains(&text);
        let is_said = |text: &str| match made(text) {
            true => said.contains(text.split(':').next().unwrap_or_default()) && said.contains("{}: {}"),
            false => said.iter().any(|said| said.starts_with(&shape(text))),
        };
        let nobody: Vec<&&str> = KEPT.iter().filter(|text| !is_said(text)).collect();
        assert!(nobody.is_empty(), "nobody says {nobody:?}");
        assert!(!is_said("the value {value} is a number"), "what it must notice");
        let letters = |text: &str| shape(text).chars().filter(|it| it.is_alphabetic()).count();
        assert!(KEPT.iter().all(|text| letters(text) >= 7), "a text of places alone would fit anything");
    }
}
