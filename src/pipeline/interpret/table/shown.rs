//! What a workbook's cell shows of its number. Who looks at the sheet sees that, and who typed a percentage sees 42.3 % where
//! the file holds 0.423: a number is read only where the cell shows it as it is, rounded at most.

/// How a cell shows its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// As it is, or rounded.
    AsItIs,
    /// A whole number with zeros before it, so many digits at least.
    Padded(usize),
    /// As another number, or with a text that may change what it means.
    Otherwise,
}

/// By the cell's number format, as ECMA-376 part 1, 18.8.31 describes such.
pub(super) fn shown(format: &str) -> Shown {
    let Some(sections) = sections(format) else { return Shown::Otherwise };
    let mut sections = sections.iter().map(String::as_str);
    let first = sections.next().unwrap_or_default();
    // For what is above zero; below; zero; text.
    let rest = [|it: &str| is_plain(negative(it)), is_plain, |it: &str| it == "@" || it == "General"];
    if !is_plain(first) || !sections.zip(rest).all(|(section, holds)| holds(section)) {
        return Shown::Otherwise;
    }
    let whole = first.split('.').next().unwrap_or_default();
    match whole.chars().filter(|character| *character == '0').count() {
        digits @ 2.. if first == whole => Shown::Padded(digits),
        _ => Shown::AsItIs,
    }
}

/// The format's sections without what has no meaning for a number: colours, the language, gaps and fillers. `None` where one has a
/// condition, or a text of its own.
fn sections(format: &str) -> Option<Vec<String>> {
    let mut sections = vec![String::new()];
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        match character {
            ';' => sections.push(String::new()),
            '[' => {
                let inside: String = characters.by_ref().take_while(|it| *it != ']').collect();
                let is_colour = inside.chars().all(|it| it.is_ascii_alphanumeric())
                    && inside.chars().any(|it| !matches!(it, 'h' | 'H' | 'm' | 'M' | 's' | 'S'));
                if !is_colour && !inside.starts_with("$-") {
                    return None;
                }
            }
            // A gap as wide as the next character, or that character as often as there is room.
            '_' | '*' => {
                characters.next()?;
            }
            ' ' => {}
            '"' | '\\' => return None,
            other => sections.last_mut()?.push(other),
        }
    }
    Some(sections)
}

/// Below zero the sign or the brackets stand in the format.
fn negative(section: &str) -> &str {
    let bare = section.strip_prefix('-').unwrap_or(section);
    bare.strip_prefix('(').and_then(|it| it.strip_suffix(')')).unwrap_or(bare)
}

fn is_plain(section: &str) -> bool {
    if matches!(section, "" | "General" | "@") {
        return !section.is_empty();
    }
    let number = section.strip_suffix("E+00").or(section.strip_suffix("E+0")).unwrap_or(section);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_digits = |text: &str| text.chars().all(|it| matches!(it, '0' | '#' | '?'));
    // A comma at the end divides by a thousand.
    let grouped: Vec<&str> = whole.split(',').collect();
    let is_whole = grouped.iter().all(|group| is_digits(group) && (grouped.len() == 1 || !group.is_empty()));
    is_whole && is_digits(fraction) && number.contains(['0', '#', '?'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_where_its_cell_shows_no_other() {
        use Shown::{AsItIs, Otherwise, Padded};
        for (format, expected) in [
            ("General", AsItIs),
            ("@", AsItIs),
            ("0", AsItIs),
            ("0.00", AsItIs),
            ("#,##0.00", AsItIs),
            ("#,##0 ;(#,##0)", AsItIs),
            ("#,##0.00;[Red](#,##0.00)", AsItIs),
            ("0.0;-0.0;0.0;@", AsItIs),
            ("[$-409]0.00", AsItIs),
            ("0.00E+00", AsItIs),
            ("##0.0E+0", AsItIs),
            ("?0.0_)", AsItIs),
            ("00000000", Padded(8)),
            ("000", Padded(3)),
            ("0%", Otherwise),
            ("0.0%", Otherwise),
            ("0.0,", Otherwise),
            ("0,", Otherwise),
            ("#,##0,,", Otherwise),
            ("# ?/?", Otherwise),
            ("\"<\"0.0", Otherwise),
            ("\\<0.0", Otherwise),
            ("<0.0", Otherwise),
            ("-0.0", Otherwise),
            ("[<0.1]\"<0.1\";0.0", Otherwise),
            ("[<0.1]0;0.0", Otherwise),
            (";;;", Otherwise),
            ("", Otherwise),
            ("0.0\" g/L\"", Otherwise),
            ("0.0;0.0%", Otherwise),
            ("0.0;0.0;\"-\"", Otherwise),
            ("[h]:mm", Otherwise),
            ("_(* #,##0.00_);_(* (#,##0.00);_(* \"-\"??_);_(@_)", Otherwise),
        ] {
            assert_eq!(shown(format), expected, "{format:?}");
        }
    }
}
