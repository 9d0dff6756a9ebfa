//! Messages with patients' data replaced, for whoever is asked for help. What a message's profile reads as a code, a value, a
//! unit, a range, a flag, a status or a time stays where it looks like one; so does what the protocol itself needs. **Everything else is replaced**,
//! whatever it is: nobody has to know where a name might stand.
//!
//! A replacement has the length and the shape of what it replaces (letters for letters, digits for digits, a date for a
//! date), so that frames keep their cuts and the message is read alike. The same text gets the same replacement throughout
//! one set of pseudonyms, and another in the next. Pure: the key is an argument.

mod astm;
mod hl7;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::domain::profile::{Dialect, Pattern, Profile, ResultType};

/// How often another replacement is sought where one is taken: a short text's shape has few.
const TRIES: u32 = 1_000;
/// The longest that stays of what the protocol itself needs, and of a code or a unit, in bytes.
const LONGEST_KEPT: usize = 48;
const LONGEST_CODE: usize = 24;
/// The shortest word that names somebody wherever it stands, in bytes.
const SHORTEST: usize = 4;

/// What was replaced by what so far.
#[derive(Clone)]
pub struct Pseudonyms {
    key: [u8; 32],
    given: BTreeMap<Vec<u8>, Vec<u8>>,
    taken: BTreeSet<Vec<u8>>,
    /// The words by which somebody is named, as [`bare`] writes them.
    names: BTreeSet<Vec<u8>>,
    /// The short words of names in the message at hand, as a name is written: too much else is written alike for them to go
    /// from other messages too.
    short: BTreeSet<Vec<u8>>,
    /// Those of all messages.
    all_short: BTreeSet<Vec<u8>>,
}

/// Whether the text of a place may stay. A name can stand anywhere by mistake, so that a place is never enough where its
/// content can be told too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    Yes,
    /// It is what the profile looks for at this place.
    Ruled,
    /// Where it is a number, or a call that the profile knows.
    AsValue,
    /// Where it is one short word, or a test that the profile knows.
    AsCode,
    /// Where it has three letters at most, or the profile knows it.
    AsStatus,
    /// Where it is made of numbers, and of what stands between them.
    AsRange,
    /// Where it is digits and marks alone.
    AsTime,
    /// Where it is one character: no one is named so.
    IfOne,
    No,
    /// It says who somebody is: its words go from wherever else they stand.
    Names,
    /// It is a name: its short words go too, from wherever else they stand in this message.
    Called,
}

impl Pseudonyms {
    /// By a key that is used once and told to nobody.
    pub fn new(key: [u8; 32]) -> Pseudonyms {
        Pseudonyms {
            key,
            given: BTreeMap::new(),
            taken: BTreeSet::new(),
            names: BTreeSet::new(),
            short: BTreeSet::new(),
            all_short: BTreeSet::new(),
        }
    }

    /// Replaces what a message of this profile doesn't need to be read. Its length stays. A name that stands where a code or a unit
    /// belongs is known by the messages that were disguised before: disguise all, throw that away, and do it again.
    ///
    /// # Errors
    /// Where a message of that kind can't be taken apart here; nothing of it may be shown then.
    pub fn disguise(&mut self, message: &mut [u8], profile: &Profile) -> Result<(), &'static str> {
        // UTF-16 has one in every character of Latin letters.
        if message.contains(&0) {
            return Err("it has characters of two bytes");
        }
        self.short.clear();
        let mut once = |message: &mut [u8]| {
            match &profile.dialect {
                Dialect::Astm(dialect) => astm::disguise(message, dialect, profile, self),
                Dialect::Hl7(dialect) => hl7::disguise(message, dialect, profile, self),
                Dialect::Table(dialect) => return table::disguise(message, dialect, profile, self),
            }
            Ok(())
        };
        // A name may stand behind what it is to go from.
        once(&mut message.to_vec())?;
        once(message)
    }

    /// A text in another text's place: of the same length and shape.
    pub fn of(&mut self, text: &[u8]) -> Vec<u8> {
        if let Some(given) = self.given.get(text) {
            return given.clone();
        }
        let mut found = Vec::new();
        for attempt in 0..TRIES {
            found = self.shaped(text, attempt);
            if found != text && !self.taken.contains(&found) {
                break;
            }
        }
        self.taken.insert(found.clone());
        self.given.insert(text.to_owned(), found.clone());
        found
    }

    /// Replaces in a text what was replaced in messages, wherever it stands as a word of at least four bytes, or as a short name is
    /// written.
    pub fn scrub(&self, text: &str) -> String {
        let is_word = |c: char| c.is_alphanumeric();
        let mut clean = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let length = rest.find(|c| is_word(c) != is_word(first)).unwrap_or(rest.len());
            let (run, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
            rest = after;
            let is_name = run.len() >= 4 || self.all_short.contains(run.as_bytes());
            let given = self.given.get(run.as_bytes()).filter(|_| is_name && is_word(first));
            match given {
                Some(given) => clean.push_str(&String::from_utf8_lossy(given)),
                None => clean.push_str(run),
            }
        }
        clean
    }

    fn shaped(&self, text: &[u8], attempt: u32) -> Vec<u8> {
        let mut chance = Chance::of(&self.key, text, attempt);
        let mut shaped: Vec<u8> = text.iter().map(|byte| chance.like(*byte)).collect();
        if is_date(text)
            && let Some(place) = shaped.get_mut(..8)
        {
            let date = format!(
                "{:04}{:02}{:02}",
                chance.within(1930, 2020),
                chance.within(1, 12),
                chance.within(1, 28)
            );
            place.copy_from_slice(date.as_bytes());
            let limits = [23, 59, 59];
            for (pair, most) in shaped.get_mut(8..).unwrap_or_default().chunks_exact_mut(2).zip(limits) {
                if pair.iter().all(u8::is_ascii_digit) {
                    pair.copy_from_slice(format!("{:02}", chance.within(0, most)).as_bytes());
                }
            }
        }
        shaped
    }

    /// Replaces a piece of a message, or lets it be.
    fn judge(&mut self, piece: &mut [u8], keep: Keep, profile: &Profile) {
        // A code needs no characters by their numbers, and a name could hide in them.
        let hides_something = keep != Keep::Yes && blank_numbers(piece);
        let stays = match keep {
            Keep::Yes | Keep::Ruled => piece.len() <= LONGEST_KEPT,
            Keep::AsValue => is_value(piece, profile),
            Keep::AsCode => {
                piece.len() <= LONGEST_CODE && !piece.contains(&b' ')
                    || std::str::from_utf8(piece).is_ok_and(|text| {
                        profile.tests.contains_key(text) || profile.aspects.contains_key(text)
                    })
            }
            Keep::AsStatus => {
                let known = |text: &str| profile.status(text).is_some() || profile.flag(text).is_some();
                let each = |text: &str| text.split([' ', ',', ';']).all(|it| it.len() <= 3 || known(it));
                std::str::from_utf8(piece).is_ok_and(|text| known(text) || each(text))
            }
            Keep::AsRange => piece.len() <= LONGEST_KEPT && is_range(piece),
            Keep::AsTime => {
                piece.len() <= LONGEST_KEPT
                    && piece.iter().all(|byte| byte.is_ascii_digit() || b"+-:./TZ ".contains(byte))
            }
            Keep::IfOne => piece.len() <= 1,
            Keep::No | Keep::Names | Keep::Called => false,
        };
        if matches!(keep, Keep::Names | Keep::Called) {
            self.names.extend(words(piece));
        }
        if keep == Keep::Called {
            self.learn_short(piece);
        }
        let names_somebody = keep != Keep::Yes
            && (self.names_somebody(piece, profile) || self.says_short_name(piece, profile));
        if !stays || hides_something || names_somebody {
            // A number that a spreadsheet shortened stays one. Words are replaced one by one, so that a name is the same
            // name with and without what stands beside it.
            let is_shortened = is_shortened(piece);
            let stands_between =
                |byte: &u8| byte.is_ascii() && !byte.is_ascii_alphanumeric() || is_shortened && *byte == b'E';
            for word in piece.split_mut(stands_between).filter(|word| !is_blanked(word)) {
                let given = self.of(word);
                word.copy_from_slice(&given);
            }
            // What the profile didn't know must not become by chance what it knows.
            if keep == Keep::AsValue && !stays && is_value(piece, profile) {
                piece.iter_mut().filter(|byte| byte.is_ascii_alphabetic()).for_each(|byte| *byte = b'X');
            }
        }
    }
}

impl Pseudonyms {
    /// Keeps the words of a name that are too short for [`words`], in the letters in which names are written: `Li` and `LI`. In small
    /// letters they would be units and abbreviations.
    fn learn_short(&mut self, piece: &[u8]) {
        let short = all_words(piece).filter(|word| (2..SHORTEST).contains(&word.len()));
        let letters = |word: &&[u8]| word.iter().all(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80);
        for word in short.filter(letters) {
            let capitals = word.to_ascii_uppercase();
            let mut written = word.to_ascii_lowercase();
            if let Some(first) = written.first_mut() {
                first.make_ascii_uppercase();
            }
            for form in [capitals, written] {
                // That it is known to a text that isn't of a message.
                self.of(&form);
                self.all_short.insert(form.clone());
                self.short.insert(form);
            }
        }
    }

    /// Whether a word of it is a short name of this message. What the profile knows, and what has a unit's stroke or sign, isn't: it
    /// is needed for the message to be read alike.
    fn says_short_name(&self, piece: &[u8], profile: &Profile) -> bool {
        let is_known = |text: &str| {
            profile.tests.contains_key(text)
                || profile.aspects.contains_key(text)
                || profile.status(text).is_some()
                || profile.flag(text).is_some()
        };
        all_words(piece).any(|word| self.short.contains(word))
            && !piece.iter().any(|byte| b"/%".contains(byte))
            && !std::str::from_utf8(piece).is_ok_and(is_known)
            && !is_value(piece, profile)
    }

    /// Whether a word of it names somebody, in whatever letters, and the profile knows no test by it.
    fn names_somebody(&self, piece: &[u8], profile: &Profile) -> bool {
        let known = |text: &str| profile.tests.contains_key(text) || profile.aspects.contains_key(text);
        words(piece).any(|word| self.names.contains(&word)) && !std::str::from_utf8(piece).is_ok_and(known)
    }
}

/// The words of a piece that are long enough to name somebody, however they are written.
fn words(piece: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    all_words(piece).filter(|word| word.len() >= SHORTEST).map(bare)
}

fn all_words(piece: &[u8]) -> impl Iterator<Item = &[u8]> {
    piece.split(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric())
}

/// A word however it is written, in UTF-8 or else Latin-1: in small letters without their marks, and with what capitals write
/// for an umlaut or a sharp s as its letter. `Müller`, `MUELLER` and `Muller` are one name.
fn bare(word: &[u8]) -> Vec<u8> {
    const LETTERS: [(&str, &str); 7] =
        [("ß", "ss"), ("æ", "ae"), ("ø", "oe"), ("ae", "a"), ("oe", "o"), ("ue", "u"), ("ss", "s")];
    let text = match std::str::from_utf8(word) {
        Ok(text) => text.to_lowercase(),
        Err(_) => word.iter().map(|byte| char::from(*byte)).collect::<String>().to_lowercase(),
    };
    let unmarked: String = text.nfd().filter(|letter| !is_combining_mark(*letter)).collect();
    LETTERS.iter().fold(unmarked, |text, (long, short)| text.replace(long, short)).into_bytes()
}

/// Puts blanks where characters stand by their numbers, as `\X4E\` in HL7 and `&X4E&` in ASTM. Whether there were any.
fn blank_numbers(piece: &mut [u8]) -> bool {
    let mut found = false;
    for at in 0..piece.len() {
        let Some([mark @ (b'\\' | b'&'), b'X', rest @ ..]) = piece.get_mut(at..) else { continue };
        let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if digits > 0 && rest.get(digits) == Some(mark) {
            rest.iter_mut().take(digits).zip(b"20".iter().cycle()).for_each(|(digit, blank)| *digit = *blank);
            found = true;
        }
    }
    found
}

/// What [`blank_numbers`] leaves of a number.
fn is_blanked(word: &[u8]) -> bool {
    let is_blank = |(digit, blank): (&u8, &u8)| digit == blank;
    matches!(word, [b'X', digits @ ..] if !digits.is_empty() && digits.iter().zip(b"20".iter().cycle()).all(is_blank))
}

/// Bytes that depend on the key, on a text and on nothing else.
struct Chance {
    seed: Vec<u8>,
    block: Vec<u8>,
    blocks: u32,
}

impl Chance {
    fn of(key: &[u8; 32], text: &[u8], attempt: u32) -> Chance {
        let seed = [key.as_slice(), &attempt.to_be_bytes(), text].concat();
        Chance { seed, block: Vec::new(), blocks: 0 }
    }

    fn next(&mut self) -> u8 {
        if self.block.is_empty() {
            let mut hash = Sha256::new();
            hash.update(self.blocks.to_be_bytes());
            hash.update(&self.seed);
            self.block = hash.finalize().to_vec();
            self.blocks += 1;
        }
        self.block.pop().unwrap_or_default()
    }

    /// From the first to the last, both included.
    fn within(&mut self, first: u32, last: u32) -> u32 {
        let wide = u32::from(self.next()) << 8 | u32::from(self.next());
        first + wide % (last - first + 1)
    }

    fn like(&mut self, byte: u8) -> u8 {
        match byte {
            b'0'..=b'9' => b'0' + self.next() % 10,
            b'A'..=b'Z' => b'A' + self.next() % 26,
            b'a'..=b'z' | 0x80.. => b'a' + self.next() % 26,
            other => other,
        }
    }
}

/// `YYYYMMDD`, perhaps with a time behind it.
fn is_date(text: &[u8]) -> bool {
    let number = |range: Range<usize>| {
        let digits = std::str::from_utf8(text.get(range)?).ok()?;
        digits.bytes().all(|it| it.is_ascii_digit()).then(|| digits.parse::<u32>().ok())?
    };
    matches!(text.len(), 8 | 10 | 12 | 14)
        && text.iter().all(u8::is_ascii_digit)
        && number(0..4).is_some_and(|year| (1850..=2100).contains(&year))
        && number(4..6).is_some_and(|month| (1..=12).contains(&month))
        && number(6..8).is_some_and(|day| (1..=31).contains(&day))
}

/// Such as `1.5E+05`.
fn is_shortened(piece: &[u8]) -> bool {
    let is_one = |text: &str| {
        let (number, exponent) = text.split_once('E')?;
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit() || it == b'.');
        Some(digits(number) && exponent.strip_prefix(['+', '-']).is_some_and(digits))
    };
    std::str::from_utf8(piece).ok().and_then(is_one).unwrap_or(false)
}

/// A number with a comparator or without, or a call that the profile knows.
fn is_value(piece: &[u8], profile: &Profile) -> bool {
    let text = String::from_utf8_lossy(piece);
    let bare = text.trim().trim_start_matches(['<', '>', '=', '+', '-', ' ']);
    // A unit may stand behind it.
    let (number, unit) = bare.split_once(' ').unwrap_or((bare, "/"));
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit() || b".,eE+-".contains(&byte))
        && number.len() <= 20
        && number.starts_with(|c: char| c.is_ascii_digit() || c == '.' || c == ',')
        && unit.len() <= 8
        && unit.contains(['/', '%']);
    let known = |results: &ResultType| match results {
        ResultType::Coded(calls) | ResultType::QuantityOrCall(calls) => calls.contains_key(&*text),
        ResultType::Quantity | ResultType::Text => false,
    };
    bare.is_empty()
        || is_number
        || profile.failed_values.contains_key(&*text)
        || profile.tests.values().any(|test| known(&test.result))
        || profile.aspects.values().filter_map(|aspect| aspect.result.as_ref()).any(known)
}

/// `3.5 - 5.1`, `3.5 to 5.1`, `< 5`: a longer number may be somebody's, and any other word a name.
fn is_range(piece: &[u8]) -> bool {
    let is_mark = |byte: &u8| byte.is_ascii() && !byte.is_ascii_alphanumeric();
    let is_part = |word: &[u8]| {
        word.eq_ignore_ascii_case(b"to") || word.len() <= 6 && word.iter().all(u8::is_ascii_digit)
    };
    piece.split(is_mark).all(|word| word.is_empty() || is_part(word))
}

/// The pieces of `bytes` between separators, as ranges from `start` on.
fn pieces(bytes: &[u8], start: usize, separator: Option<u8>) -> Vec<Range<usize>> {
    let mut from = start;
    let parts = bytes.split(|byte| Some(*byte) == separator);
    parts
        .map(|part| {
            let range = from..from + part.len();
            from = range.end + 1;
            range
        })
        .collect()
}

/// Whether a pattern that tells controls fits a piece.
fn fits(pattern: &Pattern, piece: &[u8]) -> bool {
    std::str::from_utf8(piece).is_ok_and(|text| pattern.matches(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_numbers_and_what_stands_between_them_and_no_name_or_telephone() {
        for range in ["", "3.5-5.1", "3.5 to 5.1", "3,5 TO 5,1", "< 5", ">= 100000", "0.0-0.2", "(1.2 - 3.4)"]
        {
            assert!(is_range(range.as_bytes()), "{range}");
        }
        for other in
            ["12 Kivist\u{f6} 0301", "12 030112233", "3 to 5 Frau Li", "70 to Wendelin", "Li 5", "M 3-5"]
        {
            assert!(!is_range(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn a_pseudonym_has_the_shape_of_the_text_and_is_the_same_each_time_and_no_others() {
        let mut pseudonyms = Pseudonyms::new([7; 32]);
        for text in ["Example", "EX0001", "19670412", "196704121530", "O'Brien-7", "M\u{fc}ller", ""] {
            let given = pseudonyms.of(text.as_bytes());
            let shape = |bytes: &[u8]| -> Vec<u8> {
                let class = |byte: &u8| match byte {
                    b'0'..=b'9' => b'9',
                    b'A'..=b'Z' => b'A',
                    b'a'..=b'z' | 0x80.. => b'a',
                    other => *other,
                };
                bytes.iter().map(class).collect()
            };
            assert_eq!(shape(&given), shape(text.as_bytes()), "{text}");
            assert_eq!(pseudonyms.of(text.as_bytes()), given);
            assert!(text.is_empty() || given != text.as_bytes(), "{text}");
            assert_eq!(is_date(&given), is_date(text.as_bytes()));
        }
        let all: BTreeSet<Vec<u8>> =
            (0..100).map(|number| pseudonyms.of(format!("{number:02}").as_bytes())).collect();
        assert!(all.len() >= 99, "two texts of one shape are kept apart");
        assert_ne!(Pseudonyms::new([8; 32]).of(b"Example"), Pseudonyms::new([7; 32]).of(b"Example"));
    }

    #[test]
    fn what_was_replaced_once_is_replaced_wherever_it_stands_as_a_word() {
        let mut pseudonyms = Pseudonyms::new([7; 32]);
        let name = String::from_utf8(pseudonyms.of(b"Example")).unwrap();
        let text = "specimen of Example, not of Examples; id=7";
        assert_eq!(pseudonyms.scrub(text), text.replace("Example,", &format!("{name},")));
    }

    #[test]
    fn a_name_goes_from_wherever_it_stands_once_it_is_known() {
        let profile =
            crate::config::profile::parse(include_str!("../../config/profiles.d/erba-xl.toml")).unwrap();
        let code = profile.tests.keys().next().unwrap();
        let said = |unit: &str| {
            format!("H|\\^&\rR|1|^^^{code}|5.4|{unit}\rP|1||X-77||Kreszentia^{code}\r").into_bytes()
        };
        let mut pseudonyms = Pseudonyms::new([7; 32]);
        let mut once = |unit: &str| {
            let mut message = said(unit);
            pseudonyms.disguise(&mut message, &profile).unwrap();
            String::from_utf8(message).unwrap()
        };
        let first = once("KRESZENTIA");
        assert!(!first.to_lowercase().contains("kreszentia"), "though the name comes after it: {first}");
        let second = once("KRESZENTIA");
        assert!(!second.to_lowercase().contains("kreszentia"), "{second}");
        assert!(second.contains(&format!("^^^{code}|5.4|")), "a test keeps its code: {second}");
        assert!(once("mg/dL").contains("5.4|mg/dL"));
    }

    #[test]
    fn a_short_name_goes_from_its_own_message_and_structure_stays() {
        let read = |text: &str| crate::config::profile::parse(text).unwrap();
        let erba = read(include_str!("../../config/profiles.d/erba-xl.toml"));
        let hl7 = read(include_str!("../../config/profiles.d/generic-hl7.toml"));
        // In the places of an order's test, a unit, a flag and a status, before the name and behind it.
        let astm = "H|\\^&\rO|1|S-1||^^^LI\rR|1|^^^GLCC|5.4|Li||Li||F\rP|1||X-77||Li^Bo^Ng\rR|2|^^^GLCC|5.4|ng/mL||N||F\rL|1|N\r";
        let segments = "MSH|^~\\&|a||||20260501120000||ORU^R01|1|P|2.5.1\rPID|1||X-77||Li^Bo\r\
            OBR|1||S-1|LI^Bo\rOBX|1|NM|GLU^Li^L||5.2|mmol/L||Bo|||F\rNTE|1||told Li\r";
        for (profile, said, stays) in [
            (&erba, astm, &["^^^GLCC|5.4|", "|5.4|ng/mL||N||F", "H|\\^&\r", "L|1|N"][..]),
            (&hl7, segments, &["|5.2|mmol/L|", "MSH|^~\\&|a", "|GLU^", "|||F\r"]),
        ] {
            let disguised = |planted: &str| {
                let mut message = planted.as_bytes().to_vec();
                let mut pseudonyms = Pseudonyms::new([7; 32]);
                pseudonyms.disguise(&mut message, profile).unwrap();
                (String::from_utf8(message).unwrap(), pseudonyms)
            };
            let named = |text: &str| {
                let words = text.split(|c: char| !c.is_ascii_alphanumeric());
                words.filter(|word| ["Li", "LI", "Bo", "BO", "Ng"].contains(word)).count()
            };
            let (told, pseudonyms) = disguised(said);
            assert_eq!(named(&told), 0, "{told}");
            assert!(named(said) >= 5 && told.len() == said.len(), "{told}");
            for part in stays {
                assert!(told.contains(part), "{part}: {told}");
            }
            assert_eq!(named(&pseudonyms.scrub("specimen of Li Bo, of no other")), 0);
            assert!(pseudonyms.scrub("Li is not a list").ends_with(" is not a list"));
            // The negative control: where nobody is called so, it is a code like any other.
            let (told, _) = disguised(&said.replace("|Li^Bo", "|Kreszentia^Anna"));
            assert!(named(&told) > 0, "{told}");
        }
    }

    #[test]
    fn a_name_goes_from_where_a_rule_looks_and_where_a_line_or_a_group_begins() {
        let profile =
            crate::config::profile::parse(include_str!("../../config/profiles.d/generic-hl7.toml")).unwrap();
        let said = "MSH|^~\\&|a||||20260501120000||OUL^R22|1|P|2.5.1\r\
            PID|1||X-77||Kreszentia^Eva\rSPM|1|8123||SER|||||||P^Kreszentia Eva^HL70369\r\
            OBX|1|NM|GLU^GLUCOSE^L^Wendelin Jakob^^99|8123|5|mg/dL|||||F\r\
            OBX|2|Wendelin Jakob|GLU^GLUCOSE^L|Eva|5|mg/dL|||||F\r\
            OBX|3|ED|IMG^^L^S_OTHER|1|5||||||F\rNTE|1||told\nEva\nEva|Kreszentia\r";
        let mut message = said.as_bytes().to_vec();
        Pseudonyms::new([7; 32]).disguise(&mut message, &profile).unwrap();
        let told = String::from_utf8(message).unwrap();
        for name in ["Kreszentia", "Eva", "Wendelin", "Jakob", "8123"] {
            assert!(said.contains(name) && !told.contains(name), "{name}: {told}");
        }
        for kept in ["SPM|1|", "|SER|||||||P^", "OBX|1|NM|GLU^GLUCOSE^L^", "OBX|3|ED|IMG^^L^S_OTHER|1|"] {
            assert!(told.contains(kept), "{kept}: {told}");
        }
    }

    #[test]
    fn a_name_is_known_however_it_is_written() {
        let all: [(&[u8], &[&[u8]]); 3] = [
            (
                b"M\xfcllerstein",
                &["M\u{fc}llerstein".as_bytes(), b"MUELLERSTEIN", "Mu\u{308}llerstein".as_bytes()],
            ),
            ("Gro\u{df}mann".as_bytes(), &[b"GROSSMANN", b"gro\xdfmann"]),
            ("J\u{f6}rgelina".as_bytes(), &["Jo\u{308}rgelina".as_bytes(), b"JOERGELINA", b"Jorgelina"]),
        ];
        for (name, forms) in all {
            for form in forms {
                assert_eq!(bare(form), bare(name), "{}", form.escape_ascii());
            }
        }
        assert_ne!(bare(b"Muster"), bare(b"Meister"));
    }

    #[test]
    fn a_test_that_is_called_like_a_patient_stays_a_test() {
        let profile =
            crate::config::profile::parse(include_str!("../../config/profiles.d/erba-xl.toml")).unwrap();
        let code = profile.tests.keys().find(|code| (2..4).contains(&code.len())).unwrap();
        let said = format!("H|\\^&\rP|1||X-77||{code}^Bo\rR|1|^^^{code}|5.4|mg/dL||N||F\r");
        let mut message = said.clone().into_bytes();
        Pseudonyms::new([7; 32]).disguise(&mut message, &profile).unwrap();
        let told = String::from_utf8(message).unwrap();
        assert!(
            told.contains(&format!("^^^{code}|5.4|mg/dL||N||F")) && !told.contains(&format!("|{code}^")),
            "{told}"
        );
    }

    #[test]
    fn a_name_in_other_bytes_than_letters_of_ascii_goes_too() {
        let profile =
            crate::config::profile::parse(include_str!("../../config/profiles.d/erba-xl.toml")).unwrap();
        // Latin-1 and UTF-8, and with characters by their numbers, in the places of a unit, a code, a time (O.8) and a status.
        for [name, again] in [
            [&b"Kresz\xe4ntia"[..], b"KRESZ\xc4NTIA"],
            ["Kresz\u{e4}ntia".as_bytes(), "KRESZ\u{c4}NTIA".as_bytes()],
            [b"Kreszentia", b"&X4B7265737A&entia"],
            [b"Kreszentia", b"Kresz&X656E746961&"],
            [b"77001155", b"77001155"],
        ] {
            let record = |start: &[u8], at: &[u8], end: &[u8]| [start, at, end, b"\r"].concat();
            let message = [
                record(b"H|\\^&", b"", b""),
                record(b"P|1||X-77||", name, b"^"),
                record(b"O|1|S-1||^^^GLCC||", again, b""),
                record(b"O|1|S-1||^^^GLCC||||", again, b""),
                record(b"R|1|^^^", again, b"|5.4|mg/dL"),
                record(b"R|1|^^^GLCC|5.4|", again, b"||N||F"),
            ]
            .concat();
            let mut pseudonyms = Pseudonyms::new([7; 32]);
            let mut disguised = message.clone();
            for _ in 0..2 {
                disguised.clone_from(&message);
                pseudonyms.disguise(&mut disguised, &profile).unwrap();
            }
            let told = disguised.escape_ascii().to_string();
            let stands = |part: &[u8]| disguised.windows(part.len()).any(|it| it == part);
            assert!(!stands(name) && !stands(again), "{told}");
            assert!(![&b"4B72"[..], b"656E"].iter().any(|part| stands(part)), "{told}");
            assert_eq!(disguised.len(), message.len());
            assert!(stands(b"^^^GLCC|5.4|"), "{told}");
        }
        // In HL7 as well.
        let profile =
            crate::config::profile::parse(include_str!("../../config/profiles.d/generic-hl7.toml")).unwrap();
        let said = b"MSH|^~\\&|a||||20260501120000||ORU^R01|1|P|2.5.1\rPID|1||X-77||Kreszentia\r\
            OBX|1|NM|GLU\\X4B7265737A\\||5.2|\\X4B7265737A\\entia|||||F\r";
        let mut disguised = said.to_vec();
        Pseudonyms::new([7; 32]).disguise(&mut disguised, &profile).unwrap();
        let told = disguised.escape_ascii().to_string();
        assert!(!told.contains("4B7265737A") && !told.contains("entia"), "{told}");
        assert!(told.contains("X2020202020"), "a number stays one: {told}");
    }
}
