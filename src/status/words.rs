//! What the page says, in the language that the site has chosen: a catalogue a language, one file each, compiled in, which
//! knows each text by its English; and the filters by which templates say it. It makes no text.

mod kept;
mod refused;
mod ruled;

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use askama::filters::Safe;

use crate::config::settings::Language;
use crate::domain::{Moment, Piece, Words};

pub(super) use kept::kept;
pub(super) use refused::refused;
pub(super) use ruled::{ruled, unconverted};

/// Under which name templates are given the language.
const LANGUAGE: &str = "language";

/// What templates are given beside their fields.
pub(super) fn values(language: Language) -> (&'static str, Box<dyn Any>) {
    (LANGUAGE, Box::new(language))
}

static GERMAN: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| read(include_str!("words/de.toml")));
/// What tells marked texts from what isn't in the catalogue. Dates' forms and names of languages aren't marked.
static MARKED: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let is_said =
        |text: &&String| text.chars().any(char::is_alphabetic) && !text.contains('%') && *text != "en";
    GERMAN.keys().filter(is_said).map(|text| (text.clone(), format!("⟦{text}⟧"))).collect()
});

/// A test reads each file: one that isn't right says nothing.
fn read(file: &str) -> BTreeMap<String, String> {
    toml::from_str(file).unwrap_or_default()
}

/// A text in a language. What a catalogue doesn't know, which a test rules out, is told in English.
fn look_up(language: Language, english: &'static str) -> &'static str {
    let catalogue: &'static BTreeMap<String, String> = match language {
        Language::English => return english,
        Language::German => &GERMAN,
        Language::Marked => &MARKED,
    };
    catalogue.get(english).map_or(english, String::as_str)
}

/// Without markup, for attributes and titles.
pub(super) fn plain(words: &Words, language: Language) -> String {
    words.text(&|english| look_up(language, english))
}

/// As markup: escaped, and each time with its day and offset for whoever points at it.
pub(super) fn html(words: &Words, language: Language) -> String {
    let catalogue = |english: &'static str| look_up(language, english);
    words.pieces(&catalogue).iter().map(|piece| piece_of_html(piece, &catalogue)).collect()
}

/// The form of a time that leaves nothing open.
const WHOLE: &str = "%Y-%m-%d %H:%M:%S %:z";

fn piece_of_html(piece: &Piece<'_>, catalogue: &dyn Fn(&'static str) -> &'static str) -> String {
    match piece {
        Piece::Text(text) => escaped(text),
        Piece::Time(moment, text) => {
            let whole = moment.at.strftime(catalogue(WHOLE)).to_string();
            let (exact, whole, text) = (moment.exact(), escaped(&whole), escaped(text));
            format!("<time datetime=\"{exact}\" title=\"{whole}\">{text}</time>")
        }
        Piece::Lasts(seconds, text) => format!("<span data-lasts=\"{seconds}\">{text}</span>"),
    }
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, letter| {
        match letter {
            '&' => out.push_str("&#38;"),
            '<' => out.push_str("&#60;"),
            '>' => out.push_str("&#62;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
        out
    })
}

/// What templates say: words, times, counts, and texts that they hold themselves.
pub(super) trait Said {
    fn words(&self) -> Words;
}

impl Said for Words {
    fn words(&self) -> Words {
        self.clone()
    }
}

impl Said for Moment {
    fn words(&self) -> Words {
        self.into()
    }
}

impl Said for i64 {
    fn words(&self) -> Words {
        Words::Number(*self)
    }
}

impl Said for usize {
    fn words(&self) -> Words {
        (*self).into()
    }
}

/// One of the texts: what is made while the gateway runs lives too short to be taken for one.
impl Said for &'static str {
    fn words(&self) -> Words {
        Words::fixed(self)
    }
}

impl<T: Said> Said for &T {
    fn words(&self) -> Words {
        (*self).words()
    }
}

/// What stands at a place of a text.
pub(super) trait Part {
    fn part(&self) -> Words;
}

macro_rules! parts {
    ($($type:ty),+) => { $(impl Part for $type {
        fn part(&self) -> Words {
            self.to_owned().into()
        }
    })+ };
}
parts!(str, String, i64, usize, Moment, Words);

impl<T: Part + ?Sized> Part for &T {
    fn part(&self) -> Words {
        (**self).part()
    }
}

/// The filters of the templates.
#[expect(unreachable_pub, reason = "what the macro makes of a filter is public within this module")]
pub(super) mod filters {
    use super::*;

    /// In the page's language, as markup.
    #[askama::filter_fn]
    pub(in crate::status) fn say<T: Said>(
        it: T,
        values: &dyn askama::Values,
    ) -> askama::Result<Safe<String>> {
        let language = askama::get_value::<Language>(values, LANGUAGE)?;
        Ok(Safe(html(&it.words(), *language)))
    }

    /// In the page's language, for an attribute.
    #[askama::filter_fn]
    pub(in crate::status) fn plain<T: Said>(it: T, values: &dyn askama::Values) -> askama::Result<String> {
        let language = askama::get_value::<Language>(values, LANGUAGE)?;
        Ok(super::plain(&it.words(), *language))
    }

    /// One text for one, another for any other number, which is the part `n` of both.
    #[askama::filter_fn]
    pub(in crate::status) fn counted<N: Part>(
        one: &'static str,
        _: &dyn askama::Values,
        many: &'static str,
        number: N,
    ) -> askama::Result<Words> {
        let n = number.part();
        let english = if matches!(n, Words::Number(1)) { one } else { many };
        Ok(Words::Text { english, parts: vec![("n", n)] })
    }

    /// With a part at its place.
    #[askama::filter_fn]
    pub(in crate::status) fn with<T: Said, P: Part>(
        it: T,
        _: &dyn askama::Values,
        name: &'static str,
        part: P,
    ) -> askama::Result<Words> {
        Ok(match it.words() {
            Words::Text { english, mut parts } => {
                parts.push((name, part.part()));
                Words::Text { english, parts }
            }
            other => other,
        })
    }
}

#[cfg(test)]
mod tests;
