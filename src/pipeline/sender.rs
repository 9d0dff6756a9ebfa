//! Whether a message names the instrument that it is said to come from. A name is a hint for attribution, it is no
//! authentication.

use encoding_rs::Encoding;
use labwire_astm::record::{Kind, Message};

use super::decode::Decoder;
use crate::domain::profile::{Location, Profile};

/// What a message's header says of its sender, against a profile's rule and the name that the site configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// It names what was expected.
    Agrees,
    /// It names something else: the message isn't this instrument's.
    Contradicts,
    /// Nothing was expected, or the header names nobody.
    Silent,
}

/// Compares the first header with the configured sender name (H.5, first component), where there is one, and
/// with the profile's rule otherwise.
pub fn sender(
    message: &[u8],
    configured: Option<&str>,
    profile: &Profile,
    character_set: &'static Encoding,
) -> Sender {
    let message = Message::parse(message);
    let Some(header) = message.records().find(|record| record.kind() == Kind::Header) else {
        return Sender::Silent;
    };
    let mut decoder = Decoder::new(character_set);
    let mut compare = |at: &Location, agrees: &dyn Fn(&str) -> bool| match decoder.trimmed(&header, at) {
        name if name.is_empty() => Sender::Silent,
        name if agrees(&name) => Sender::Agrees,
        _ => Sender::Contradicts,
    };
    match (configured, &profile.sender) {
        (Some(name), _) => compare(&Location::component(Kind::Header, 5, 1), &|sent| sent == name),
        (None, Some(rule)) => compare(&rule.at, &|sent| rule.is.matches(sent)),
        (None, None) => Sender::Silent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::profile::{Pattern, SenderRule};

    #[test]
    fn the_configured_name_comes_before_the_models_own() {
        let silent = Profile::standard("plain", 1);
        let rule = SenderRule { at: Location::component(Kind::Header, 5, 1), is: Pattern::new("Sim*") };
        let named = Profile { sender: Some(rule), ..Profile::standard("named", 1) };
        for (message, configured, profile, expected) in [
            ("H|\\^&|||Sim7^1.0\r", None, &silent, Sender::Silent),
            ("H|\\^&|||Sim7^1.0\r", None, &named, Sender::Agrees),
            ("H|\\^&|||Other\r", None, &named, Sender::Contradicts),
            ("H|\\^&|||Other\r", Some("Other"), &named, Sender::Agrees),
            ("H|\\^&|||Sim7\r", Some("Other"), &named, Sender::Contradicts),
            ("H|\\^&\r", Some("Other"), &named, Sender::Silent),
            ("R|1\r", Some("Other"), &named, Sender::Silent),
        ] {
            let read = sender(message.as_bytes(), configured, profile, encoding_rs::UTF_8);
            assert_eq!(read, expected, "{message:?} {configured:?}");
        }
    }
}
