//! Whether a message names the instrument that it is said to come from. A name is a hint for attribution, it is no
//! authentication.

use encoding_rs::Encoding;
use labwire_astm::record::{Kind, Message};
use labwire_hl7::message as hl7;

use super::interpret::{astm, hl7 as segments};
use crate::domain::profile::{AstmDialect, Dialect, Hl7Dialect, Hl7Location, Location, Profile};

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

/// Compares the first header with the configured sender name (the first component of H.5 or MSH-3), where there is
/// one, and with the profile's rule otherwise.
pub fn sender(
    message: &[u8],
    configured: Option<&str>,
    profile: &Profile,
    character_set: Option<&'static Encoding>,
) -> Sender {
    match &profile.dialect {
        Dialect::Astm(dialect) => of_record(message, configured, dialect, character_set),
        Dialect::Hl7(dialect) => of_segment(message, configured, dialect, character_set),
        Dialect::Table(_) => Sender::Silent,
    }
}

fn of_record(
    message: &[u8],
    configured: Option<&str>,
    dialect: &AstmDialect,
    character_set: Option<&'static Encoding>,
) -> Sender {
    let message = Message::parse(message);
    let Some(header) = message.records().find(|record| record.kind() == Kind::Header) else {
        return Sender::Silent;
    };
    let mut decoder = astm::Decoder::new(character_set);
    let mut named = |at: &Location| decoder.trimmed(&header, at);
    match (configured, &dialect.sender) {
        (Some(name), _) => compare(&named(&Location::component(Kind::Header, 5, 1)), |sent| sent == name),
        (None, Some(rule)) => compare(&named(&rule.at), |sent| rule.is.matches(sent)),
        (None, None) => Sender::Silent,
    }
}

fn of_segment(
    message: &[u8],
    configured: Option<&str>,
    dialect: &Hl7Dialect,
    character_set: Option<&'static Encoding>,
) -> Sender {
    let Ok(message) = segments::parse(message, character_set) else { return Sender::Silent };
    let Some(header) = message.header() else { return Sender::Silent };
    let named = |at: &Hl7Location| segments::text(message.at(&at.path), at);
    match (configured, &dialect.sender) {
        (Some(name), _) => {
            compare(first_component(header.sending_application()).as_str(), |sent| sent == name)
        }
        (None, Some(rule)) => compare(&named(&rule.at), |sent| rule.is.matches(sent)),
        (None, None) => Sender::Silent,
    }
}

fn first_component(field: hl7::Field<'_>) -> String {
    field.component(1).text().text.trim().to_owned()
}

fn compare(name: &str, agrees: impl FnOnce(&str) -> bool) -> Sender {
    match name {
        "" => Sender::Silent,
        name if agrees(name) => Sender::Agrees,
        _ => Sender::Contradicts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::profile::{Pattern, SenderRule};

    #[test]
    fn the_configured_name_comes_before_the_models_own() {
        let plain = |sender| Dialect::Astm(Box::new(AstmDialect { sender, ..AstmDialect::default() }));
        let silent = Profile::standard("plain", 1, plain(None));
        let rule = SenderRule { at: Location::component(Kind::Header, 5, 1), is: Pattern::new("Sim*") };
        let named = Profile::standard("named", 1, plain(Some(rule)));
        for (message, configured, profile, expected) in [
            ("H|\\^&|||Sim7^1.0\r", None, &silent, Sender::Silent),
            ("H|\\^&|||Sim7^1.0\r", None, &named, Sender::Agrees),
            ("H|\\^&|||Other\r", None, &named, Sender::Contradicts),
            ("H|\\^&|||Other\r", Some("Other"), &named, Sender::Agrees),
            ("H|\\^&|||Sim7\r", Some("Other"), &named, Sender::Contradicts),
            ("H|\\^&\r", Some("Other"), &named, Sender::Silent),
            ("R|1\r", Some("Other"), &named, Sender::Silent),
        ] {
            let read = sender(message.as_bytes(), configured, profile, None);
            assert_eq!(read, expected, "{message:?} {configured:?}");
        }
    }
}
