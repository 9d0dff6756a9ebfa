//! Words for people, with what stands in them, said in a language only where they are shown. Each text is written once, in
//! English where it is meant, and is its own key in the catalogues of other languages: a changed text has no translation
//! until somebody made a new one, so that none says what is no longer true. This file knows no other language.

use std::fmt;

use jiff::Zoned;

/// Something to say.
#[derive(Clone, PartialEq, Eq)]
pub enum Words {
    /// A text, and what stands at each `{name}` of it. Made by `words!`.
    Text {
        english: &'static str,
        parts: Vec<(&'static str, Words)>,
    },
    /// A name, a number as sent, or what somebody else wrote: the same in every language.
    Data(String),
    /// A count.
    Number(i64),
    Time(Moment),
    /// How long something has gone on that hasn't ended, in seconds.
    Lasts(u64),
    /// Several, with this between each two.
    Row(Vec<Words>, &'static str),
    /// With a capital at its beginning.
    Capital(Box<Words>),
}

/// A time for people and for machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    pub at: Zoned,
    /// How it is written in English, in the terms of `strftime`; a key of the catalogues too.
    pub form: &'static str,
}

/// A piece of what is said.
pub enum Piece<'a> {
    Text(String),
    /// A time, as it is written in the language.
    Time(&'a Moment, String),
    /// Seconds, and how they are written.
    Lasts(u64, String),
}

/// Between each three digits of a count in English; a key of the catalogues.
const THOUSANDS: &str = ",";

impl Moment {
    /// RFC 3339, UTC.
    pub fn exact(&self) -> String {
        self.at.timestamp().to_string()
    }
}

impl Words {
    /// A text without places, of a closed set.
    pub fn fixed(english: &'static str) -> Words {
        Words::Text { english, parts: Vec::new() }
    }

    /// Nothing to say.
    pub fn none() -> Words {
        Words::Data(String::new())
    }

    pub fn is_none(&self) -> bool {
        matches!(self, Words::Data(text) if text.is_empty())
    }

    /// Those of them that say something, with this between each two.
    pub fn row(words: impl IntoIterator<Item = Words>, between: &'static str) -> Words {
        let mut words: Vec<Words> = words.into_iter().filter(|it| !it.is_none()).collect();
        match words.len() {
            0 => Words::none(),
            1 => words.remove(0),
            _ => Words::Row(words, between),
        }
    }

    pub fn capital(self) -> Words {
        Words::Capital(Box::new(self))
    }

    /// In English, as commands, programs and records have it.
    pub fn english(&self) -> String {
        self.text(&|english| english)
    }

    /// In the language of a catalogue, which knows each text by its English.
    pub fn text<'c>(&self, catalogue: &dyn Fn(&'static str) -> &'c str) -> String {
        let text = |piece: Piece<'_>| match piece {
            Piece::Text(text) | Piece::Time(_, text) | Piece::Lasts(_, text) => text,
        };
        self.pieces(catalogue).into_iter().map(text).collect()
    }

    /// The same, with its times apart.
    pub fn pieces<'c>(&self, catalogue: &dyn Fn(&'static str) -> &'c str) -> Vec<Piece<'_>> {
        match self {
            Words::Data(text) => vec![Piece::Text(text.clone())],
            Words::Number(number) => vec![Piece::Text(grouped(*number, catalogue(THOUSANDS)))],
            Words::Time(moment) => {
                let text = moment.at.strftime(catalogue(moment.form)).to_string();
                vec![Piece::Time(moment, text)]
            }
            Words::Lasts(seconds) => vec![Piece::Lasts(*seconds, lasting(*seconds))],
            Words::Row(words, between) => {
                let mut pieces = Vec::new();
                for (index, it) in words.iter().enumerate() {
                    if index > 0 {
                        pieces.push(Piece::Text((*between).to_owned()));
                    }
                    pieces.extend(it.pieces(catalogue));
                }
                pieces
            }
            Words::Capital(words) => {
                let mut pieces = words.pieces(catalogue);
                if let Some(Piece::Text(first)) = pieces.first_mut() {
                    let mut letters = first.chars();
                    let capital: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
                    *first = capital + letters.as_str();
                }
                pieces
            }
            Words::Text { english, parts } => filled(catalogue(english), parts, catalogue),
        }
    }
}

/// A text with its parts at their places. A place that has no part stays as it is.
fn filled<'w, 'c>(
    text: &str,
    parts: &'w [(&'static str, Words)],
    catalogue: &dyn Fn(&'static str) -> &'c str,
) -> Vec<Piece<'w>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        pieces.push(Piece::Text(before.to_owned()));
        match parts.iter().find(|(it, _)| *it == name) {
            Some((_, part)) => pieces.extend(part.pieces(catalogue)),
            None => pieces.push(Piece::Text(format!("{{{name}}}"))),
        }
        rest = after;
    }
    pieces.push(Piece::Text(rest.to_owned()));
    pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
    pieces
}

/// In the units that every language has, the two that matter. The page's script counts on in the same.
fn lasting(seconds: u64) -> String {
    let (minutes, hours) = (seconds / 60, seconds / 3_600);
    match (minutes, hours) {
        (0, _) => format!("{seconds} s"),
        (_, 0) => format!("{minutes} min {} s", seconds % 60),
        _ => format!("{hours} h {} min", minutes % 60),
    }
}

/// A number with its thousands apart.
fn grouped(number: i64, between: &str) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push_str(between);
        }
        text.push(digit);
    }
    text
}

/// What stands in them may be a patient's: only the texts are shown.
impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Words::Text { english, .. } => write!(f, "{english:?}"),
            Words::Row(words, _) => f.debug_list().entries(words).finish(),
            Words::Capital(words) => words.fmt(f),
            Words::Data(_) | Words::Number(_) | Words::Time(_) | Words::Lasts(_) => f.write_str("…"),
        }
    }
}

impl From<String> for Words {
    fn from(text: String) -> Words {
        Words::Data(text)
    }
}

impl From<&String> for Words {
    fn from(text: &String) -> Words {
        Words::Data(text.clone())
    }
}

impl From<&str> for Words {
    fn from(text: &str) -> Words {
        Words::Data(text.to_owned())
    }
}

impl From<i64> for Words {
    fn from(number: i64) -> Words {
        Words::Number(number)
    }
}

impl From<u32> for Words {
    fn from(number: u32) -> Words {
        Words::Number(number.into())
    }
}

impl From<usize> for Words {
    fn from(number: usize) -> Words {
        Words::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u64> for Words {
    fn from(number: u64) -> Words {
        Words::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<Moment> for Words {
    fn from(moment: Moment) -> Words {
        Words::Time(moment)
    }
}

impl From<&Moment> for Words {
    fn from(moment: &Moment) -> Words {
        Words::Time(moment.clone())
    }
}

impl From<&Words> for Words {
    fn from(words: &Words) -> Words {
        words.clone()
    }
}

/// Words of a text, with what stands at its places: `words!("{name} is down: {why}", name, why = &error)`.
macro_rules! words {
    (@ $name:ident) => { (stringify!($name), $crate::domain::Words::from($name)) };
    (@ $name:ident = $value:expr) => { (stringify!($name), $crate::domain::Words::from($value)) };
    ($english:literal $(, $name:ident $(= $value:expr)?)* $(,)?) => {
        $crate::domain::Words::Text { english: $english, parts: vec![$($crate::domain::words!(@ $name $(= $value)?)),*] }
    };
}

/// One text for one, another for any other number, which is the part `n` of both.
macro_rules! counted {
    ($number:expr, $one:literal, $many:literal $(, $name:ident $(= $value:expr)?)* $(,)?) => {{
        let n = $crate::domain::Words::from($number);
        match n {
            $crate::domain::Words::Number(1) => $crate::domain::words!($one, n = n $(, $name $(= $value)?)*),
            _ => $crate::domain::words!($many, n = n $(, $name $(= $value)?)*),
        }
    }};
}

pub(crate) use counted;
pub(crate) use words;

/// Tests compare with what is said in English.
#[cfg(test)]
impl PartialEq<&str> for Words {
    fn eq(&self, english: &&str) -> bool {
        self.english() == *english
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_text_stands_where_the_language_wants_it() {
        let words = words!("{name} is down: {why}", name = "c311", why = words!("nobody answers"));
        assert_eq!(words.english(), "c311 is down: nobody answers");
        let german = |english: &'static str| match english {
            "{name} is down: {why}" => "Weil {why}, geht {name} nicht",
            "nobody answers" => "niemand antwortet",
            other => other,
        };
        assert_eq!(words.text(&german), "Weil niemand antwortet, geht c311 nicht");
    }

    #[test]
    fn what_somebody_else_wrote_is_never_taken_for_a_text_or_for_a_place() {
        let words = words!("it says {what}", what = "{name} nobody answers");
        let loud = |english: &'static str| if english == "nobody answers" { "LOUD" } else { english };
        assert_eq!(words.text(&loud), "it says {name} nobody answers");
        assert!(!format!("{words:?}").contains("nobody"), "{words:?}");
    }

    #[test]
    fn a_number_chooses_its_text_and_has_its_thousands_apart() {
        let say = |number: i64| counted!(number, "{n} result", "{n} results").english();
        let told = [0, 1, 2, 1_234_567, -1_000].map(say);
        assert_eq!(told, ["0 results", "1 result", "2 results", "1,234,567 results", "-1,000 results"]);
    }

    #[test]
    fn how_long_it_lasts_is_said_in_the_two_units_that_matter() {
        let said = [0, 12, 59, 60, 754, 3_599, 3_600, 90_000].map(|seconds| Words::Lasts(seconds).english());
        let expected =
            ["0 s", "12 s", "59 s", "1 min 0 s", "12 min 34 s", "59 min 59 s", "1 h 0 min", "25 h 0 min"];
        assert_eq!(said, expected);
    }

    #[test]
    fn a_row_leaves_out_what_says_nothing_and_a_capital_begins_it() {
        let row = Words::row([words!("its result waits"), Words::none(), words!("one left")], "; ");
        assert_eq!(row.capital().english(), "Its result waits; one left");
        assert!(Words::row([Words::none()], ", ").is_none());
    }
}
