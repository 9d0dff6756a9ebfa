//! Whether a message names the instrument that it is said to come from. A name is a hint for attribution, it is no
//! authentication.

use encoding_rs::Encoding;
use labwire_astm::record::{Kind, Message};
use labwire_hl7::message as hl7;

use super::interpret::{astm, hl7 as segments};
use crate::domain::profile::{AstmDialect, Dialect, Hl7Dialect, Location, Pattern, Profile};

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
    match named(message, configured, profile, character_set) {
        None => Sender::Silent,
        Some(name) if name.agrees() => Sender::Agrees,
        Some(_) => Sender::Contradicts,
    }
}

/// Where a header contradicts, what was expected there and what it says, as `MSH-4.1 "BS-*" and not "XX"`.
pub(super) fn contradiction(
    message: &[u8],
    configured: Option<&str>,
    profile: &Profile,
    character_set: Option<&'static Encoding>,
) -> Option<String> {
    let name = named(message, configured, profile, character_set).filter(|name| !name.agrees())?;
    let said: String = name.said.chars().take(LONGEST).collect();
    Some(format!("{} {:?} and not {said:?}", name.at, name.wanted.as_str()))
}

/// The longest name that is repeated in words, in characters.
const LONGEST: usize = 40;

/// What a header says where a name was expected.
struct Named {
    at: String,
    wanted: Pattern,
    is_exact: bool,
    said: String,
}

impl Named {
    fn agrees(&self) -> bool {
        if self.is_exact { self.said == self.wanted.as_str() } else { self.wanted.matches(&self.said) }
    }
}

/// `None` where nothing was expected, or the header names nobody.
fn named(
    message: &[u8],
    configured: Option<&str>,
    profile: &Profile,
    character_set: Option<&'static Encoding>,
) -> Option<Named> {
    let name = match &profile.dialect {
        Dialect::Astm(dialect) => of_record(message, configured, dialect, character_set),
        Dialect::Hl7(dialect) => of_segment(message, configured, dialect, character_set),
        Dialect::Table(_) => None,
    };
    name.filter(|name| !name.said.is_empty())
}

fn of_record(
    message: &[u8],
    configured: Option<&str>,
    dialect: &AstmDialect,
    character_set: Option<&'static Encoding>,
) -> Option<Named> {
    let message = Message::parse(message);
    let header = message.records().find(|record| record.kind() == Kind::Header)?;
    let mut decoder = astm::Decoder::new(character_set);
    let usual = Location::component(Kind::Header, 5, 1);
    let (at, wanted) = match (configured, &dialect.sender) {
        (Some(name), _) => (&usual, Pattern::new(name)),
        (None, Some(rule)) => (&rule.at, rule.is.clone()),
        (None, None) => return None,
    };
    let said = decoder.trimmed(&header, at);
    Some(Named { at: at.to_string(), wanted, is_exact: configured.is_some(), said })
}

fn of_segment(
    message: &[u8],
    configured: Option<&str>,
    dialect: &Hl7Dialect,
    character_set: Option<&'static Encoding>,
) -> Option<Named> {
    let message = segments::parse(message, character_set).ok()?;
    let header = message.header()?;
    let (at, wanted, said) = match (configured, &dialect.sender) {
        (Some(name), _) => {
            ("MSH-3.1".to_owned(), Pattern::new(name), first_component(header.sending_application()))
        }
        (None, Some(rule)) => {
            (rule.at.to_string(), rule.is.clone(), segments::text(message.at(&rule.at.path), &rule.at))
        }
        (None, None) => return None,
    };
    Some(Named { at, wanted, is_exact: configured.is_some(), said })
}

fn first_component(field: hl7::Field<'_>) -> String {
    field.component(1).text().text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::profile::SenderRule;

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
